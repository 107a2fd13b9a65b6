// A shared lock that is taken for the first lookup of an event-loop turn and given back at its end, so that
// many lookups cost one pair of system calls, and a builder waits no longer than a turn.
//
// Used by tables whose file others may write in place. Without an event loop the lock stays until drop().
#pragma once

#include <functional>
#include <memory>

namespace posthouse::table {

class TurnLock {
 public:
  // `acquire` may block shortly; false with errno when it fails.
  TurnLock(std::function<bool()> acquire, std::function<void()> release);
  ~TurnLock();
  TurnLock(TurnLock&&) noexcept;
  TurnLock& operator=(TurnLock&&) = delete;

  bool hold();
  // Before another lock on the same file is taken.
  void drop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace posthouse::table
