#include "tools/postfix/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "lib/base/failure.h"
#include "lib/base/text.h"
#include "lib/base/unique_fd.h"
#include "lib/log/from_config.h"
#include "lib/log/log.h"
#include "lib/registry/registry.h"

namespace posthouse::postfix_command {

namespace {

void print(std::FILE* file, std::string_view tag, std::string_view text) {
  fmt::print(file, "{}: {}\n", tag, text);
  std::fflush(file);
}

bool is_locked(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

Instance::Instance(std::string config_directory) : config_directory_(std::move(config_directory)) {
  auto loaded = config::MainCf::load(config_directory_);
  if (!loaded) {
    for (const config::Problem& problem : loaded.error()) log::fatal(problem.text());
    throw std::runtime_error("cannot use the configuration in " + config_directory_);
  }
  main_cf_ = std::move(*loaded);
  registry::add_all_defaults(main_cf_);
  log::Setup setup = log::setup_from(main_cf_, "postfix-script");
  tag_ = setup.syslog_name + "/postfix-script";
  log::open(setup);
}

std::string Instance::program(std::string_view name) const {
  return fmt::format("{}/{}", directory("daemon_directory"), name);
}

std::string Instance::command(std::string_view name) const {
  return fmt::format("{}/{}", directory("command_directory"), name);
}

bool Instance::is_rootless() const {
  return ::geteuid() != 0;
}

pid_t Instance::master_pid() const {
  if (!is_locked(lock_path())) return 0;
  std::string text;
  std::getline(std::ifstream(lock_path()), text);
  return parse_int<pid_t>(trim(text)).value_or(0);
}

bool Instance::wait_for_end(unsigned seconds) const {
  const UniqueFd fd(::open(lock_path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return true;
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART: the alarm ends the wait
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(seconds);
  const bool is_free = ::flock(fd.get(), LOCK_SH) == 0;
  ::alarm(0);
  return is_free;
}

void Instance::say(std::string_view text) const {
  log::info(text);
  if (::isatty(STDERR_FILENO) != 0) print(stderr, tag_, text);
}

void Instance::show(std::string_view text) const {
  log::info(text);
  if (::isatty(STDERR_FILENO) != 0) {
    print(stderr, tag_, text);
  } else {
    print(stdout, tag_, text);
  }
}

void Instance::warn(std::string_view text) const {
  log::warning(text);
  print(stderr, tag_, fmt::format("warning: {}", text));
}

int Instance::fail(std::string_view text) const {
  log::fatal(text);
  print(stderr, tag_, fmt::format("fatal: {}", text));
  return 1;
}

pid_t start_program(const std::vector<std::string>& argv) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::string text = fmt::format("{}: {}", argv.front(), error_text(become_program(argv)));
    print(stderr, "postfix", "fatal: " + text);
    log::die(text, 127);
  }
  return pid;
}

int wait_for_program(pid_t pid) {
  if (pid < 0) return 126;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_program(const std::vector<std::string>& argv) {
  return wait_for_program(start_program(argv));
}

int become_program(const std::vector<std::string>& argv) {
  ::execvp(argv.front().c_str(), pointers(argv).data());
  return errno;
}

}  // namespace posthouse::postfix_command
