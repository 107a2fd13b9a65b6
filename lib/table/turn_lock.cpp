#include "lib/table/turn_lock.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/runtime/fiber.h"

namespace posthouse::table {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(1);
constexpr Duration kLongestPause = std::chrono::milliseconds(50);

bool is_taken(int error) {
  return error == EWOULDBLOCK || error == EACCES;
}

}  // namespace

bool wait_for_lock(const TryLock& try_lock, Deadline deadline) {
  for (Duration pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    if (try_lock()) return true;
    const int error = errno;
    const bool may_retry = is_taken(error) && std::chrono::steady_clock::now() < deadline;
    if (!may_retry || runtime::sleep_for(pause) == runtime::Wake::cancelled) {
      errno = error;
      return false;
    }
  }
}

struct TurnLock::State {
  TryLock try_lock;
  std::function<void()> release;
  Duration limit;
  runtime::Semaphore waiting{1};  // one fiber tries for all that wait
  bool is_held = false;
  bool is_registered = false;

  void drop() {
    if (std::exchange(is_held, false)) release();
  }

  bool try_once() {
    is_held = is_held || try_lock();
    return is_held;
  }

  bool wait() {
    const Deadline deadline = deadline_after(limit);
    if (waiting.acquire(deadline) != runtime::Wake::ready) {
      errno = EWOULDBLOCK;
      return false;
    }
    const bool done = wait_for_lock([this] { return try_once(); }, deadline);
    const int error = errno;
    waiting.release();
    errno = error;
    return done;
  }
};

TurnLock::TurnLock(TryLock try_lock, std::function<void()> release, Duration limit)
    : state_(std::make_shared<State>(std::move(try_lock), std::move(release), limit)) {}

TurnLock::TurnLock(TurnLock&&) noexcept = default;

TurnLock::~TurnLock() {
  if (state_) state_->drop();
}

bool TurnLock::hold() {
  const auto state = state_;
  if (state->is_held) return true;
  if (!state->try_once() && (!is_taken(errno) || !state->wait())) return false;
  if (!std::exchange(state->is_registered, true)) {
    runtime::at_end_of_turn([weak = std::weak_ptr(state)] {
      if (const auto still = weak.lock()) still->drop();
    });
  }
  return true;
}

void TurnLock::drop() {
  state_->drop();
}

}  // namespace posthouse::table
