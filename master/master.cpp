#include "master/master.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "lib/config/accepted.h"
#include "lib/log/log.h"
#include "lib/log/setup.h"
#include "master/events.h"
#include "master/ports_file.h"
#include "master/whole_file.h"

namespace posthouse::master {

namespace {

constexpr int kSignals[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGABRT, SIGUSR1};

bool is_door(const RunningService& service) {
  return service.plan.entry.type == config::ServiceType::inet || service.plan.argv(0, 0).front() == "pickup";
}
bool is_queue(const RunningService& service) {
  return service.plan.program.reloads_in_place;
}
bool is_any(const RunningService&) {
  return true;
}
bool is_other(const RunningService& service) {
  return !is_door(service) && !is_queue(service);
}

std::optional<Owner> owner_of_mail(const Settings& settings) {
  if (::geteuid() != 0) return std::nullopt;
  const passwd* user = ::getpwnam(settings.mail_owner.c_str());
  if (user == nullptr)
    throw std::runtime_error("file main.cf: mail_owner: unknown user: " + settings.mail_owner);
  return Owner{user->pw_uid, user->pw_gid};
}

std::string user_name() {
  const passwd* user = ::getpwuid(::geteuid());
  return user == nullptr ? std::to_string(::geteuid()) : user->pw_name;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int poll_timeout(Deadline until, Deadline now) {
  if (until == kNever) return -1;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<long long>(wait, 0, 3'600'000));
}

// What one entry of the poll set is about: a process's status pipe, or the service's listener.
struct Watched {
  RunningService* service;
  pid_t pid;  // 0 = listener
};

}  // namespace

Master::Master(Options options, Configuration configuration, Loader loader)
    : options_(std::move(options)),
      configuration_(std::move(configuration)),
      loader_(std::move(loader)),
      machine_(Machine::system()) {
  if (options_.exit_after) exit_at_ = deadline_after(std::chrono::seconds(*options_.exit_after));
}

Master::~Master() = default;

void Master::open_log() {
  const Settings& settings = configuration_.settings;
  const std::string path = settings.maillog_file.empty() ? "/dev/null" : settings.maillog_file;
  const bool is_stdout = settings.maillog_file == "/dev/stdout";
  UniqueFd fd(is_stdout ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                        : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  if (!fd) {
    log::warning("open {}: {}", settings.maillog_file, error_text(errno));
    if (!log_fd_) log_fd_.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    return;
  }
  std::swap(log_fd_, fd);
  if (supervisor_) supervisor_->lend_log(log_fd_.get());
  log::open({.program = "master",
             .syslog_name = settings.syslog_name,
             .syslog_facility = settings.syslog_facility,
             .maillog_file = settings.maillog_file,
             .postlog_socket = "public/" + settings.postlog_service,
             .hostname = settings.hostname,
             .inherited_fd = log_fd_.get(),
             .buffered = true,
             .to_terminal = !is_ready_ && !is_stdout,
             .terminal_least = log::Severity::warning});
}

// Processes that start later must read what was accepted, not what stands in main.cf by then.
void Master::publish_main_cf() {
  struct stat original {};
  const std::string path = configuration_.settings.config_directory + "/main.cf";
  const bool is_known = ::stat(path.c_str(), &original) == 0;
  const auto written = is_known ? replace_file(config::kAcceptedMainCf, configuration_.main_cf_text,
                                               original.st_mode & 0777, original.st_gid)
                                : fail(Failure::system(path, errno));
  if (written) {
    ::setenv(config::kAcceptedVariable, config::kAcceptedMainCf, 1);
  } else {
    log::warning("{}: processes read main.cf itself", written.error().text);
    ::unsetenv(config::kAcceptedVariable);
  }
}

void Master::open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kSignals) sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::runtime_error("signalfd: " + error_text(errno));
}

void Master::announce() {
  const Settings& settings = configuration_.settings;
  log::info(events::started(settings.version, settings.config_directory));
  if (machine_.is_rootless) log::info(events::rootless(user_name()));
}

int Master::run(const std::function<void()>& on_ready) {
  open_log();
  for (const std::string& warning : configuration_.master_cf.warnings) log::warning(warning);
  publish_main_cf();
  open_signals();
  raise_descriptor_limit();
  supervisor_ = std::make_unique<Supervisor>(machine_, owner_of_mail(configuration_.settings));
  supervisor_->lend_log(log_fd_.get());
  if (auto done = supervisor_->configure(configuration_); !done) {
    log::fatal(done.error().text);
    return 1;
  }
  write_ports();
  announce();
  log::flush();
  is_ready_ = !options_.keep_terminal;
  open_log();
  on_ready();
  while (shutdown_.phase() != Phase::ended) turn();
  log::flush();
  return 0;
}

void Master::turn() {
  Deadline now = std::chrono::steady_clock::now();
  Deadline until = std::min({supervisor_->wake_services(now), exit_at_, shutdown_.deadline()});
  std::vector<pollfd> polled{{signals_.get(), POLLIN, 0}};
  std::vector<Watched> watched{{nullptr, 0}};
  const auto watch = [&](int fd, RunningService& service, pid_t pid) {
    polled.push_back({fd, POLLIN, 0});
    watched.push_back({&service, pid});
  };
  for (RunningService& service : supervisor_->services()) {
    for (const Process& process : service.processes) {
      if (process.status) watch(process.status.get(), service, process.pid);
    }
    if (!service.throttle.may_start(now)) until = std::min(until, service.throttle.until());
    if (!service.wants_process(now)) continue;
    for (const Listener& listener : service.listeners) watch(listener.fd.get(), service, 0);
  }
  log::flush();
  if (::poll(polled.data(), polled.size(), poll_timeout(until, now)) < 0 && errno != EINTR) {
    throw std::runtime_error("poll: " + error_text(errno));
  }
  now = std::chrono::steady_clock::now();
  for (std::size_t i = 1; i < polled.size(); ++i) {
    if (polled[i].revents == 0) continue;
    RunningService& service = *watched[i].service;
    if (watched[i].pid == 0) {
      supervisor_->demand(service, now);
    } else if (Process* process = service.find(watched[i].pid)) {
      supervisor_->read_status(service, *process, now);
    }
  }
  if (polled[0].revents != 0) handle_signals();
  if (now >= exit_at_) end(Phase::terminate);
  advance_shutdown(now);
}

void Master::handle_signals() {
  signalfd_siginfo info;
  bool wants_reload = false;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGCHLD) {
      reap();
    } else if (number == SIGHUP) {
      wants_reload = true;
    } else {
      if (shutdown_.is_running()) log::info(events::terminating(number));
      end(number == SIGUSR1                        ? Phase::drain_doors
          : number == SIGQUIT || number == SIGABRT ? Phase::kill
                                                   : Phase::terminate);
    }
  }
  if (wants_reload && shutdown_.is_running()) reload();
}

void Master::reap() {
  const Deadline now = std::chrono::steady_clock::now();
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    supervisor_->exited(pid, status, now);
  }
}

void Master::reload() {
  auto next = loader_();
  if (!next) {
    for (const std::string& error : next.error()) log::error(error);
    log::error("reload refused: the configuration in use stays as it was");
    open_log();  // the log may have been rotated
    return;
  }
  next->settings.queue_directory = configuration_.settings.queue_directory;
  log::info(events::reloaded(next->settings.version, next->settings.config_directory));
  for (const std::string& warning : next->master_cf.warnings) log::warning(warning);
  Configuration previous = std::exchange(configuration_, std::move(*next));
  open_log();
  publish_main_cf();
  if (auto done = supervisor_->configure(configuration_); !done) {
    log::error(done.error().text);
    log::error("reload refused: the services in use stay as they were");
    configuration_ = std::move(previous);
    publish_main_cf();
    open_log();
    return;
  }
  write_ports();
}

void Master::end(Phase phase) {
  const Phase before = shutdown_.phase();
  shutdown_.enter(phase, std::chrono::steady_clock::now());
  if (shutdown_.phase() == before) return;
  switch (phase) {
    case Phase::drain_doors:
      supervisor_->close_listeners(is_door);
      supervisor_->signal_some(SIGHUP, is_door);
      break;
    case Phase::drain_queue:
      supervisor_->close_listeners(is_queue);
      supervisor_->signal_some(SIGTERM, is_queue);
      break;
    case Phase::drain_rest:
      supervisor_->close_listeners(is_any);
      supervisor_->signal_some(SIGHUP, is_other);
      break;
    case Phase::terminate:
      supervisor_->close_listeners(is_any);
      supervisor_->signal_all(SIGTERM);
      break;
    case Phase::kill:
      supervisor_->close_listeners(is_any);
      supervisor_->signal_all(SIGKILL);
      break;
    case Phase::running:
    case Phase::ended:
      break;
  }
}

void Master::advance_shutdown(Deadline now) {
  for (;;) {
    const Census left{.doors = supervisor_->process_count(is_door),
                      .queue = supervisor_->process_count(is_queue),
                      .all = supervisor_->process_count()};
    const Phase next = shutdown_.next(left, now);
    if (next == shutdown_.phase()) return;
    end(next);
  }
}

void Master::write_ports() const {
  std::vector<BoundPort> ports;
  for (const RunningService& service : supervisor_->services()) {
    if (service.plan.entry.type != config::ServiceType::inet) continue;
    for (const Listener& listener : service.listeners) {
      ports.push_back({service.plan.entry.name, listener.address, listener.port});
    }
  }
  if (auto done = write_ports_file("pid/ports", ports); !done) log::warning(done.error().text);
}

}  // namespace posthouse::master
