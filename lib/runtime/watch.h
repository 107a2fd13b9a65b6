// Readiness of a file descriptor, registered with the loop (edge triggered).
#pragma once

#include <memory>

#include "lib/runtime/fiber.h"

namespace posthouse::runtime {

struct WatchState;

// Does not own the descriptor; destroy the Watch before closing it. One fiber may wait for reading
// and another one for writing. wait returns `ready` also on error or hang-up: the next read or write tells.
// After `ready` the caller must read until EAGAIN before it waits again; on a socket a read that returned
// less than it was offered room for may stand for that EAGAIN unless is_hung_up(). Before writable() a write
// must have met EAGAIN.
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
  // The peer is known to have ended its side or the connection: what is left to read is followed by the end.
  bool is_hung_up() const;

 private:
  std::unique_ptr<WatchState> state_;
};

}  // namespace posthouse::runtime
