// Readiness of a file descriptor, registered once with the loop (edge triggered).
#pragma once

#include <memory>

#include "lib/runtime/fiber.h"

namespace posthouse::runtime {

struct WatchState;

// Does not own the descriptor; destroy the Watch before closing it. One fiber may wait for reading
// and another one for writing. wait returns `ready` also on error or hang-up: the next read or write tells.
// After `ready` the caller must read (write) until EAGAIN before it waits again.
class Watch {
 public:
  // A listener is level triggered and shared between processes: one of them is woken, readable() only.
  enum class Mode : unsigned char { stream, listener };
  explicit Watch(int fd, Mode mode = Mode::stream);
  ~Watch();
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;

  Wake readable(Deadline deadline);  // may wait
  Wake writable(Deadline deadline);  // may wait

 private:
  std::unique_ptr<WatchState> state_;
};

}  // namespace posthouse::runtime
