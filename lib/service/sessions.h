// The sessions of a process: how many there are, whether more may come, and their end.
#pragma once

#include <functional>
#include <list>

#include "lib/runtime/fiber.h"

namespace posthouse::service {

class Sessions {
 public:
  void set_limit(std::size_t limit) { limit_ = limit; }
  std::size_t limit() const { return limit_; }
  std::size_t in_use() const { return fibers_.size(); }
  std::size_t served() const { return served_; }
  bool is_full() const { return in_use() >= limit_; }

  // Runs the body as a session fiber.
  void begin(std::function<void()> body);
  // Waits until a session may begin.
  void wait_for_room();
  // Waits until the last session has ended; idle ones are ended (runtime::IdleScope).
  void wait_for_end(runtime::Fiber::Idle cut, Deadline deadline);
  void cancel_all();
  // Called when is_full() changes.
  std::function<void(bool is_full)> on_full;

 private:
  void note_change(bool was_full);

  std::list<runtime::Fiber> fibers_;
  std::size_t limit_ = 20000;
  std::size_t served_ = 0;
  runtime::Signal ended_;
};

}  // namespace posthouse::service
