#include "lib/runtime/fiber.h"

#include <algorithm>
#include <list>
#include <thread>

#include "lib/runtime/loop.h"

namespace posthouse::runtime {

void Fiber::cancel() const {
  if (state_ && !state_->is_done) Loop::of_this_thread().cancel(*state_);
}

void Fiber::interrupt_if_idle(Idle at_most) const {
  if (state_ && state_->idle && *state_->idle <= at_most)
    Loop::of_this_thread().wake(*state_, Wake::cancelled);
}

IdleScope::IdleScope(Fiber::Idle kind) : fiber_(Loop::of_this_thread().current()), kind_(kind) {
  set(true);
}

IdleScope::~IdleScope() {
  set(false);
}

void IdleScope::set(bool is_idle) {
  if (fiber_ == nullptr) return;
  fiber_->idle.reset();
  if (is_idle) fiber_->idle = kind_;
}

bool Fiber::is_running() const {
  return state_ && !state_->is_done;
}

void run(std::function<void()> main) {
  Loop::of_this_thread().run(std::move(main));
}

void stop() {
  Loop::of_this_thread().stop();
}

Fiber spawn(std::function<void()> body) {
  return Fiber(Loop::of_this_thread().spawn(std::move(body)));
}

Wake sleep_until(Deadline deadline) {
  Loop& loop = Loop::of_this_thread();
  if (!loop.current()) {
    std::this_thread::sleep_until(deadline);
    return Wake::timeout;
  }
  return loop.suspend(deadline);
}

Wake sleep_for(Duration duration) {
  return sleep_until(deadline_after(duration));
}

void yield() {
  Loop& loop = Loop::of_this_thread();
  if (loop.current()) loop.yield();
}

bool is_cancelled() {
  const FiberState* fiber = Loop::of_this_thread().current();
  return fiber && fiber->is_cancelled;
}

void at_end_of_turn(std::function<void()> action) {
  Loop::of_this_thread().at_end_of_turn(std::move(action));
}

void settle_turn() {
  Loop::of_this_thread().end_turn();
}

void on_signal(int signal_number, std::function<void()> action) {
  Loop::of_this_thread().on_signal(signal_number, std::move(action));
}

struct Signal::Waiters {
  std::list<FiberState*> fibers;
};

Signal::Signal() : waiters_(std::make_unique<Waiters>()) {}
Signal::~Signal() = default;

Wake Signal::wait(Deadline deadline) {
  Loop& loop = Loop::of_this_thread();
  if (loop.current()->is_cancelled) return Wake::cancelled;
  auto& fibers = waiters_->fibers;
  const auto place = fibers.insert(fibers.end(), loop.current());
  const Wake wake = loop.suspend(deadline);
  if (wake != Wake::ready) fibers.erase(place);
  return wake;
}

// A waiter that timed out meanwhile is not waiting any more; it takes itself off the list when it runs.
void Signal::notify_one() {
  auto& fibers = waiters_->fibers;
  const auto first = std::ranges::find_if(fibers, [](const FiberState* fiber) { return fiber->is_waiting; });
  if (first == fibers.end()) return;
  FiberState& fiber = **first;
  fibers.erase(first);
  Loop::of_this_thread().wake(fiber, Wake::ready);
}

void Signal::notify_all() {
  auto& fibers = waiters_->fibers;
  for (auto place = fibers.begin(); place != fibers.end();) {
    FiberState* fiber = *place;
    const bool is_waiting = fiber->is_waiting;
    place = is_waiting ? fibers.erase(place) : std::next(place);
    if (is_waiting) Loop::of_this_thread().wake(*fiber, Wake::ready);
  }
}

Wake Semaphore::acquire(Deadline deadline) {
  while (free_ == 0) {
    const Wake wake = released_.wait(deadline);
    if (wake != Wake::ready) return wake;
  }
  --free_;
  return Wake::ready;
}

bool Semaphore::try_acquire() {
  if (free_ == 0) return false;
  --free_;
  return true;
}

void Semaphore::release() {
  ++free_;
  released_.notify_one();
}

}  // namespace posthouse::runtime
