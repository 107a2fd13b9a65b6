#include "lib/service/sessions.h"

#include <algorithm>

namespace posthouse::service {

void Sessions::begin(std::function<void()> body) {
  const bool was_full = is_full();
  const auto place = fibers_.emplace(fibers_.end());
  *place = runtime::spawn([this, place, body = std::move(body)] {
    body();
    const bool full = is_full();
    fibers_.erase(place);
    ++served_;
    note_change(full);
    ended_.notify_all();
  });
  note_change(was_full);
}

void Sessions::note_change(bool was_full) {
  if (was_full != is_full() && on_full) on_full(is_full());
}

void Sessions::wait_for_room() {
  while (is_full() && ended_.wait(kNever) == runtime::Wake::ready) {
  }
}

void Sessions::wait_for_end(runtime::Fiber::Idle cut, Deadline deadline) {
  while (!fibers_.empty() && std::chrono::steady_clock::now() < deadline) {
    // A session may become idle at any time: look again soon.
    for (const runtime::Fiber& fiber : fibers_) fiber.interrupt_if_idle(cut);
    const Deadline soon = deadline_after(std::chrono::milliseconds(20));
    if (ended_.wait(std::min(deadline, soon)) == runtime::Wake::cancelled) return;
  }
}

void Sessions::cancel_all() {
  for (const runtime::Fiber& fiber : fibers_) fiber.cancel();
}

}  // namespace posthouse::service
