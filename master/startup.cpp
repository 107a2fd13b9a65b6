#include "master/startup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>

#include "lib/config/layout.h"
#include "lib/config/main_cf.h"
#include "lib/log/from_config.h"
#include "lib/log/log.h"
#include "lib/registry/registry.h"
#include "master/configuration.h"
#include "master/master.h"
#include "master/pid_lock.h"
#include "master/trial.h"

namespace posthouse::master {

namespace {

constexpr int kStartTimeLimit = 60'000;  // milliseconds that -w waits

std::string config_directory_of(const Options& options) {
  if (!options.config_directory.empty()) return options.config_directory;
  const char* given = std::getenv("MAIL_CONFIG");
  return given != nullptr ? given : config::layout::config_directory();
}

// Keeps what import_environment names and sets its name=value pairs.
void clean_environment(const Settings& settings) {
  std::map<std::string, std::string> kept;
  for (const std::string& item : settings.import_environment) {
    const std::size_t equal = item.find('=');
    const std::string name = item.substr(0, equal);
    if (equal != std::string::npos) {
      kept[name] = item.substr(equal + 1);
    } else if (const char* value = std::getenv(name.c_str())) {
      kept[name] = value;
    }
  }
  kept["MAIL_CONFIG"] = settings.config_directory;
  ::clearenv();
  for (const auto& [name, value] : kept) ::setenv(name.c_str(), value.c_str(), 1);
}

// Sockets and the pid file need a place; `postfix check` makes the whole queue with the right owners.
void make_directories() {
  for (const char* name : {"pid", "public", "private"}) {
    const mode_t mode = std::string_view(name) == "pid"      ? 0755
                        : std::string_view(name) == "public" ? 0710
                                                             : 0700;
    if (::mkdir(name, mode) != 0 && errno != EEXIST) {
      throw std::runtime_error(fmt::format("mkdir {}: {}", name, error_text(errno)));
    }
  }
}

void redirect(int fd, int flags) {
  const int null = ::open("/dev/null", flags);
  if (null < 0) return;
  ::dup2(null, fd);
  if (null > 2) ::close(null);
}

void leave_terminal(const Options& options) {
  if (options.keep_terminal) return;
  redirect(STDIN_FILENO, O_RDONLY);
  if (options.keep_stdout || options.is_init) return;
  redirect(STDOUT_FILENO, O_WRONLY);
  redirect(STDERR_FILENO, O_WRONLY);
}

void become_leader(const Options& options) {
  if (!options.keep_terminal && !options.keep_stdout && !options.is_init) ::setsid();
}

// The foreground half of -w: waits until the background half says that all is well.
int wait_for_background(pid_t pid, UniqueFd from) {
  pollfd item{from.get(), POLLIN, 0};
  char byte = 0;
  const bool is_up = ::poll(&item, 1, kStartTimeLimit) == 1 && ::read(from.get(), &byte, 1) == 1;
  if (is_up) return 0;
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) == 0) ::kill(pid, SIGTERM);
  return 1;
}

// File descriptors that the caller left open are nobody's business below.
void close_strangers(const Options& options) {
  for (int fd = 3; fd < 512; ++fd) {
    if (fd == options.ready_fd || fd == options.go_fd) {
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    } else {
      ::close(fd);
    }
  }
}

// Who started us prepares something while the configuration is looked at.
bool is_told_to_go(const UniqueFd& from) {
  char byte = 0;
  ssize_t count = 0;
  while ((count = ::read(from.get(), &byte, 1)) < 0 && errno == EINTR) continue;
  return count == 1;
}

// Why a service could not start; what is wrong with tables joins the warnings.
std::vector<std::string> obstacles(Configuration& configuration) {
  Findings found = try_programs(configuration, Machine::system());
  std::vector<std::string>& warnings = configuration.master_cf.warnings;
  warnings.insert(warnings.end(), found.faults.begin(), found.faults.end());
  return std::move(found.errors);
}

std::expected<Configuration, std::vector<std::string>> usable_configuration(const std::string& directory) {
  auto configuration = load_configuration(directory);
  if (!configuration) return configuration;
  if (auto errors = obstacles(*configuration); !errors.empty()) return std::unexpected(std::move(errors));
  return configuration;
}

int check(const Configuration& configuration) {
  const Findings found = try_programs(configuration, Machine::system());
  for (const std::string& warning : configuration.master_cf.warnings) log::warning(warning);
  for (const std::string& warning : found.warnings) log::warning(warning);
  for (const std::string& fault : found.faults) log::error(fault);
  for (const std::string& error : found.errors) log::fatal(error);
  return found.errors.empty() && found.faults.empty() ? 0 : 1;
}

int supervise(const Options& options, Configuration configuration, int ready_fd, UniqueFd told) {
  become_leader(options);
  const auto lock = PidLock::take("pid/master.pid");
  if (!lock) throw std::runtime_error(lock.error().text);
  const std::string directory = configuration.settings.config_directory;
  Master master(options, std::move(configuration), [directory] { return usable_configuration(directory); });
  return master.run([&] {
    leave_terminal(options);
    for (const int fd : {ready_fd, told.get()}) {
      if (fd < 0) continue;
      [[maybe_unused]] const ssize_t done = ::write(fd, "\n", 1);
      ::close(fd);
    }
    static_cast<void>(told.release());
  });
}

int supervise_in_background(const Options& options, Configuration configuration) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe: " + error_text(errno));
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork: " + error_text(errno));
  if (pid == 0) {
    read_end.reset();
    return supervise(options, std::move(configuration), options.ready_fd, std::move(write_end));
  }
  write_end.reset();
  return wait_for_background(pid, std::move(read_end));
}

// On the terminal as well as in the log, as far as main.cf says where that is.
void open_log(const std::string& config_directory) {
  auto main_cf = config::MainCf::load(config_directory);
  if (!main_cf) return;
  registry::add_all_defaults(*main_cf);
  log::Setup setup = log::setup_from(*main_cf, "master");
  setup.to_terminal = true;
  log::open(setup);
}

int refuse(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) log::fatal(error);
  return 1;
}

int start_with(const Options& options) {
  close_strangers(options);
  const std::string directory = config_directory_of(options);
  open_log(directory);
  auto configuration = load_configuration(directory);
  if (!configuration) return refuse(configuration.error());
  const Settings& settings = configuration->settings;
  if (::chdir(settings.queue_directory.c_str()) != 0) {
    throw std::runtime_error(fmt::format("chdir {}: {}", settings.queue_directory, error_text(errno)));
  }
  if (options.test_lock) return PidLock::is_free("pid/master.pid") ? 0 : 1;
  ::umask(077);
  clean_environment(settings);
  if (options.is_check) return check(*configuration);
  make_directories();
  if (const auto errors = obstacles(*configuration); !errors.empty()) return refuse(errors);
  if (options.go_fd >= 0 && !is_told_to_go(UniqueFd(options.go_fd))) return 1;
  if (options.wait_for_start) return supervise_in_background(options, std::move(*configuration));
  return supervise(options, std::move(*configuration), options.ready_fd, UniqueFd());
}

}  // namespace

int start(int argc, char** argv) {
  log::open({.program = "master", .to_terminal = true});
  try {
    const Options options = parse_options(argc, argv);
    if (options.is_init && ::getpid() != 1) throw std::invalid_argument("-i is allowed only for process 1");
    return start_with(options);
  } catch (const std::exception& problem) {
    log::fatal(problem.what());
    return 1;
  }
}

}  // namespace posthouse::master
