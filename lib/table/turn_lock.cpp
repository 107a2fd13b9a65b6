#include "lib/table/turn_lock.h"

#include <utility>

#include "lib/runtime/fiber.h"

namespace posthouse::table {

struct TurnLock::State {
  std::function<bool()> acquire;
  std::function<void()> release;
  bool is_held = false;
  bool is_registered = false;

  void drop() {
    if (std::exchange(is_held, false)) release();
  }
};

TurnLock::TurnLock(std::function<bool()> acquire, std::function<void()> release)
    : state_(std::make_shared<State>(State{std::move(acquire), std::move(release)})) {}

TurnLock::TurnLock(TurnLock&&) noexcept = default;

TurnLock::~TurnLock() {
  if (state_) state_->drop();
}

bool TurnLock::hold() {
  if (state_->is_held) return true;
  if (!state_->acquire()) return false;
  state_->is_held = true;
  if (!std::exchange(state_->is_registered, true)) {
    runtime::at_end_of_turn([weak = std::weak_ptr(state_)] {
      if (const auto state = weak.lock()) state->drop();
    });
  }
  return true;
}

void TurnLock::drop() {
  state_->drop();
}

}  // namespace posthouse::table
