// Locks on files that other programs may write in place, waited for without holding up the event loop.
//
// A program that rebuilds a table in place holds the exclusive lock for as long as that takes. A fiber that
// needs the file sleeps meanwhile; others run.
#pragma once

#include <functional>
#include <memory>

#include "lib/base/clock.h"

namespace posthouse::table {

// Longer than any rebuild; SMTP clients wait as long for a reply.
inline constexpr Duration kLockLimit = std::chrono::seconds(300);

// Takes one lock; must not block. False with errno, EWOULDBLOCK or EACCES when another program has it.
using TryLock = std::function<bool()>;

// Tries until it has the lock; may wait. False with errno when it cannot be had, or not until the deadline,
// or the fiber is cancelled.
bool wait_for_lock(const TryLock& try_lock, Deadline deadline = deadline_after(kLockLimit));

// A shared lock that is taken for the first lookup of an event-loop turn and given back at its end, so that
// many lookups cost one pair of system calls, and a builder waits no longer than a turn.
//
// Without an event loop the lock stays until drop().
class TurnLock {
 public:
  TurnLock(TryLock try_lock, std::function<void()> release, Duration limit = kLockLimit);
  ~TurnLock();
  TurnLock(TurnLock&&) noexcept;
  TurnLock& operator=(TurnLock&&) = delete;

  // May wait, until the next wait the lock is held; false with errno as wait_for_lock().
  bool hold();
  // Before another lock on the same file is tried.
  void drop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace posthouse::table
