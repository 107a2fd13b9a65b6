#include "master/running_service.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthouse::master {

std::size_t RunningService::available() const {
  return static_cast<std::size_t>(std::ranges::count(processes, false, &Process::is_draining));
}

bool RunningService::wants_process(Deadline now) const {
  const std::size_t running = plan.program.kind == Kind::single ? processes.size() : available();
  return running < plan.processes && throttle.may_start(now);
}

std::size_t RunningService::free_slot() const {
  for (std::size_t slot = 0;; ++slot) {
    const bool is_taken =
        std::ranges::any_of(processes, [&](const Process& p) { return !p.is_draining && p.slot == slot; });
    if (!is_taken) return slot;
  }
}

bool RunningService::is_full() const {
  return available() >= plan.processes &&
         std::ranges::all_of(processes, [](const Process& p) { return p.is_busy || p.is_draining; });
}

std::string RunningService::where() const {
  if (plan.entry.type != config::ServiceType::inet || listeners.empty()) return plan.entry.socket_path();
  return fmt::format("{}:{}", listeners.front().address, listeners.front().port);
}

Process* RunningService::find(pid_t pid) {
  const auto found = std::ranges::find(processes, pid, &Process::pid);
  return found == processes.end() ? nullptr : &*found;
}

}  // namespace posthouse::master
