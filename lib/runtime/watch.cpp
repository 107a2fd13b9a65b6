#include "lib/runtime/watch.h"

#include <poll.h>

#include <algorithm>

#include "lib/runtime/loop.h"

namespace posthouse::runtime {

namespace {

// Outside fibers (start-up, command-line tools) a wait simply blocks.
Wake poll_blocking(int fd, short events, Deadline deadline) {
  for (;;) {
    int milliseconds = -1;
    if (deadline != kNever) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      milliseconds = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
    pollfd entry{fd, events, 0};
    const int count = ::poll(&entry, 1, milliseconds);
    if (count > 0) return Wake::ready;
    if (count == 0 && deadline != kNever && std::chrono::steady_clock::now() >= deadline)
      return Wake::timeout;
    if (count < 0 && errno != EINTR) return Wake::ready;
  }
}

// `slot` names the fiber that waits. A readiness seen before the wait counts once.
Wake wait_for(WatchState& state, bool& is_ready, FiberState*& slot, short poll_events, Deadline deadline) {
  Loop& loop = Loop::of_this_thread();
  if (!state.is_registered) return Wake::ready;
  if (!loop.current()) return poll_blocking(state.fd, poll_events, deadline);
  if (is_ready && !state.is_level) {
    is_ready = false;
    return loop.current()->is_cancelled ? Wake::cancelled : Wake::ready;
  }
  slot = loop.current();
  const Wake wake = loop.suspend(deadline);
  slot = nullptr;
  if (wake == Wake::ready) is_ready = false;
  return wake;
}

}  // namespace

Watch::Watch(int fd, Mode mode) : state_(std::make_unique<WatchState>()) {
  state_->fd = fd;
  state_->is_level = mode == Mode::listener;
  Loop::of_this_thread().add(*state_);
}

Watch::~Watch() {
  if (state_) Loop::of_this_thread().retire(std::move(state_));
}

Watch::Watch(Watch&&) noexcept = default;

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    if (state_) Loop::of_this_thread().retire(std::move(state_));
    state_ = std::move(other.state_);
  }
  return *this;
}

Wake Watch::readable(Deadline deadline) {
  return wait_for(*state_, state_->read_ready, state_->reader, POLLIN, deadline);
}

Wake Watch::writable(Deadline deadline) {
  Loop& loop = Loop::of_this_thread();
  if (loop.current() && state_->is_registered && !state_->write_ready) loop.report_writable(*state_, true);
  return wait_for(*state_, state_->write_ready, state_->writer, POLLOUT, deadline);
}

bool Watch::is_hung_up() const {
  return state_->is_hung_up;
}

}  // namespace posthouse::runtime
