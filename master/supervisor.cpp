#include "master/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <stdexcept>

#include "lib/log/log.h"
#include "master/child.h"
#include "master/events.h"

namespace posthouse::master {

namespace {

constexpr std::chrono::seconds kLimitWarningPause{1000};
constexpr std::chrono::seconds kForkPause{1};

void log_exit(const std::string& path, pid_t pid, int wait_status) {
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0) {
    log::warning(events::exit_status(path, pid, WEXITSTATUS(wait_status)));
  } else if (WIFSIGNALED(wait_status)) {
    log::warning(events::killed(path, pid, WTERMSIG(wait_status)));
  }
}

// By a signal of ours, which came before the process was ready for it, or (SIGKILL) in an abort.
bool was_told_to_end(int wait_status) {
  if (!WIFSIGNALED(wait_status)) return false;
  const int number = WTERMSIG(wait_status);
  return number == SIGHUP || number == SIGTERM || number == SIGKILL;
}

bool is_normal_end(int wait_status) {
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
}

// One byte 'W' to the socket of a service, without waiting for anything.
void send_wakeup(const Listener& listener, config::ServiceType type) {
  if (type == config::ServiceType::fifo) {
    [[maybe_unused]] const ssize_t done = ::write(listener.fd.get(), "W", 1);
    return;
  }
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  const int socket_type = type == config::ServiceType::unix_dgram ? SOCK_DGRAM : SOCK_STREAM;
  const UniqueFd fd(::socket(address.ss_family, socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return;
  [[maybe_unused]] const ssize_t done = ::send(fd.get(), "W", 1, MSG_NOSIGNAL);
}

ListenersByKey listeners_by_key(const std::vector<RunningService>& services) {
  ListenersByKey keys;
  for (const RunningService& service : services) {
    for (const Listener& listener : service.listeners) keys[listener.key] = listener.fd.get();
  }
  return keys;
}

}  // namespace

Supervisor::Supervisor(const Machine& machine, std::optional<Owner> owner)
    : machine_(machine), owner_(owner) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe: " + error_text(errno));
  lifeline_read_.reset(ends[0]);
  lifeline_write_.reset(ends[1]);
}

Result<std::vector<RunningService>> Supervisor::build(const Configuration& configuration) {
  const ListenersByKey open_now = listeners_by_key(services_);
  std::vector<RunningService> next;
  for (const config::MasterEntry& entry : configuration.master_cf.entries) {
    if (configuration.settings.is_disabled(entry)) continue;
    RunningService service;
    service.plan = plan_service(entry, configuration.settings, machine_);
    auto listeners = open_listeners(entry, configuration.settings, owner_ ? &*owner_ : nullptr, open_now);
    if (!listeners) return fail(std::move(listeners.error()));
    service.listeners = std::move(*listeners);
    next.push_back(std::move(service));
  }
  return next;
}

Result<void> Supervisor::configure(const Configuration& configuration) {
  auto next = build(configuration);
  if (!next) return fail(std::move(next.error()));
  settings_ = configuration.settings;
  hand_over(*next);
  drop_socket_names(*next);
  services_ = std::move(*next);
  return {};
}

void Supervisor::hand_over(std::vector<RunningService>& next) {
  const Deadline now = std::chrono::steady_clock::now();
  for (RunningService& service : next) {
    if (const int seconds = service.plan.entry.wakeup.value_or(0); seconds > 0) service.next_wakeup = now;
  }
  for (RunningService& old_service : services_) {
    const auto successor = std::ranges::find_if(next, [&](const RunningService& service) {
      return service.plan.entry.same_service(old_service.plan.entry);
    });
    hand_over_processes(old_service, successor == next.end() ? nullptr : &*successor);
  }
}

// A process that reloads in place goes on when it would be started the same way again; else it must end, for
// SIGHUP would not make it leave.
void Supervisor::hand_over_processes(RunningService& old_service, RunningService* successor) {
  const bool is_same = successor != nullptr && successor->plan.arguments == old_service.plan.arguments &&
                       successor->plan.path == old_service.plan.path;
  for (Process& process : old_service.processes) {
    const bool in_place = old_service.plan.program.reloads_in_place;
    ::kill(process.pid, in_place && !is_same ? SIGTERM : SIGHUP);
    if (successor == nullptr) {
      leaving_.push_back({process.pid, old_service.plan.path});
      continue;
    }
    process.is_draining = process.is_draining || !(in_place && is_same);
    successor->processes.push_back(std::move(process));
  }
  if (successor != nullptr) successor->was_used = old_service.was_used;
}

void Supervisor::drop_socket_names(const std::vector<RunningService>& next) const {
  std::set<std::string> kept;
  for (const RunningService& service : next) kept.insert(service.plan.entry.socket_path());
  for (const RunningService& service : services_) {
    const std::string path = service.plan.entry.socket_path();
    if (!path.empty() && !kept.contains(path)) ::unlink(path.c_str());
  }
}

bool Supervisor::start_process(RunningService& service, Deadline now) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    log::warning("pipe: {}", error_text(errno));
    return false;
  }
  Process process{.slot = service.free_slot(), .status = UniqueFd(ends[0]), .started = now};
  const UniqueFd status_write(ends[1]);
  ChildSetup setup{.path = service.plan.path,
                   .argv = service.plan.argv(process.slot, service.listeners.size()),
                   .lifeline = lifeline_read_.get(),
                   .log = log_fd_,
                   .status = status_write.get()};
  for (const Listener& listener : service.listeners) setup.listeners.push_back(listener.fd.get());
  const auto pid = start_child(setup);
  if (!pid) {
    log::warning("{}: {}", service.plan.path, pid.error().text);
    return false;
  }
  process.pid = *pid;
  service.processes.push_back(std::move(process));
  service.was_used = true;
  return true;
}

void Supervisor::demand(RunningService& service, Deadline now) {
  while (service.wants_process(now)) {
    if (start_process(service, now)) continue;
    service.throttle.exited(false, Duration(0), now, kForkPause);
    return;
  }
}

void Supervisor::read_status(RunningService& service, Process& process, Deadline now) {
  char bytes[256];
  ssize_t size = 0;
  while ((size = ::read(process.status.get(), bytes, sizeof bytes)) > 0)
    process.is_busy = bytes[size - 1] == 'b';
  if (size == 0) process.status.reset();
  if (!service.is_full() || now < service.next_limit_warning) return;
  service.next_limit_warning = now + kLimitWarningPause;
  log::warning(events::limit_reached(service.plan.entry.name, service.where(), service.plan.sessions));
  log::warning(
      "to avoid this condition, increase the process count in master.cf or reduce the service time per "
      "client");
}

// Others may be the orphans that process 1 of a container has to collect.
void Supervisor::bury_leaving(pid_t pid, int wait_status) {
  const auto found = std::ranges::find(leaving_, pid, &Leaving::pid);
  if (found == leaving_.end()) return;
  if (!was_told_to_end(wait_status)) log_exit(found->path, pid, wait_status);
  leaving_.erase(found);
}

void Supervisor::exited(pid_t pid, int wait_status, Deadline now) {
  for (RunningService& service : services_) {
    const Process* process = service.find(pid);
    if (process == nullptr) continue;
    if (!process->is_draining || !was_told_to_end(wait_status)) log_exit(service.plan.path, pid, wait_status);
    const Duration lifetime = now - process->started;
    const bool counts = !process->is_draining;
    std::erase_if(service.processes, [&](const Process& p) { return p.pid == pid; });
    if (counts &&
        service.throttle.exited(is_normal_end(wait_status), lifetime, now, settings_.throttle_time)) {
      log::warning(events::throttled(service.plan.path));
    }
    return;
  }
  bury_leaving(pid, wait_status);
}

void Supervisor::wake(RunningService& service) {
  if (service.plan.entry.wakes_only_when_used && !service.was_used) return;
  if (service.processes.empty() && !service.throttle.may_start(std::chrono::steady_clock::now())) return;
  if (!service.listeners.empty()) send_wakeup(service.listeners.front(), service.plan.entry.type);
}

Deadline Supervisor::wake_services(Deadline now) {
  Deadline next = kNever;
  for (RunningService& service : services_) {
    if (service.next_wakeup <= now) {
      wake(service);
      service.next_wakeup = now + std::chrono::seconds(service.plan.entry.wakeup.value_or(0));
    }
    next = std::min(next, service.next_wakeup);
  }
  return next;
}

void Supervisor::close_listeners(Which which) {
  for (RunningService& service : services_) {
    if (!which(service)) continue;
    const std::string path = service.plan.entry.socket_path();
    if (!path.empty() && !service.listeners.empty()) ::unlink(path.c_str());
    service.listeners.clear();
    service.next_wakeup = kNever;
  }
}

void Supervisor::signal_all(int signal_number) {
  signal_some(signal_number, [](const RunningService&) { return true; });
  for (const Leaving& leaving : leaving_) ::kill(leaving.pid, signal_number);
}

void Supervisor::signal_some(int signal_number, Which which) {
  for (RunningService& service : services_) {
    if (!which(service)) continue;
    for (Process& process : service.processes) {
      ::kill(process.pid, signal_number);
      process.is_draining = true;
    }
  }
}

std::size_t Supervisor::process_count() const {
  std::size_t count = leaving_.size();
  for (const RunningService& service : services_) count += service.processes.size();
  return count;
}

std::size_t Supervisor::process_count(Which which) const {
  std::size_t count = 0;
  for (const RunningService& service : services_) {
    if (which(service)) count += service.processes.size();
  }
  return count;
}

}  // namespace posthouse::master
