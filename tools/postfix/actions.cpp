#include "tools/postfix/actions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"
#include "tools/postfix/parameters.h"
#include "tools/postfix/queue_check.h"

namespace posthouse::postfix_command {

namespace {

constexpr unsigned kStopTime = 20;  // seconds; master itself kills after ten

int not_running(const Instance& instance) {
  return instance.fail("the Postfix mail system is not running");
}

std::vector<std::string> master_command(const Instance& instance) {
  return {instance.program("master"), "-c", instance.config_directory()};
}

// The queue's structure must fit hash_queue_depth and inode numbers before anybody works with it. Nothing
// when there is no program for that.
std::optional<pid_t> begin_repair(const Instance& instance) {
  const std::string postsuper = instance.command("postsuper");
  if (::access(postsuper.c_str(), X_OK) != 0) {
    instance.warn(fmt::format("{}: {}", postsuper, error_text(errno)));
    return std::nullopt;
  }
  return start_program({postsuper, "-c", instance.config_directory(), "-s"});
}

bool end_repair(const Instance& instance, std::optional<pid_t> postsuper) {
  if (!postsuper || wait_for_program(*postsuper) == 0) return true;
  instance.fail("mail system startup failed: postsuper -s failed");
  return false;
}

// Needs the directories: programs are tried in them.
bool check(const Instance& instance) {
  return check_directories(instance) && check_configuration(instance);
}

bool prepare_start(const Instance& instance) {
  if (instance.master_pid() != 0) {
    instance.fail("the Postfix mail system is already running");
    return false;
  }
  if (!check_directories(instance)) {
    instance.fail("mail system startup failed: the check found errors");
    return false;
  }
  return true;
}

// master looks at the configuration itself, in the foreground, while the queue is put in order; then it is
// told to go on.
int start(const Instance& instance) {
  if (!prepare_start(instance)) return 1;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return instance.fail(fmt::format("pipe: {}", error_text(errno)));
  const UniqueFd word(ends[0]);
  UniqueFd giver(ends[1]);
  ::fcntl(word.get(), F_SETFD, 0);
  const auto repair = begin_repair(instance);
  std::vector<std::string> argv = master_command(instance);
  argv.insert(argv.end(), {"-w", fmt::format("--go-fd={}", word.get())});
  instance.say("starting the Postfix mail system");
  const pid_t master = start_program(argv);
  const bool is_repaired = end_repair(instance, repair);
  if (is_repaired) [[maybe_unused]]
    const auto written = ::write(giver.get(), "\n", 1);
  giver.reset();
  if (wait_for_program(master) == 0) return 0;
  return is_repaired ? instance.fail("mail system startup failed") : 1;
}

int start_foreground(const Instance& instance, const Options& options) {
  const auto parameters = config::load<Parameters>(instance.main_cf());
  if (parameters && !(*parameters)->multi_instance_directories().empty()) {
    return instance.fail(
        "start-fg: multi_instance_directories is not empty; start one instance per container");
  }
  if (!prepare_start(instance) || !end_repair(instance, begin_repair(instance))) return 1;
  instance.say("starting the Postfix mail system");
  std::vector<std::string> argv = master_command(instance);
  argv.push_back(::getpid() == 1 ? "-i" : "-s");
  for (const std::string& word : options.words) {
    if (word.starts_with("--ready-fd=")) argv.push_back(word);
  }
  return instance.fail(fmt::format("{}: {}", argv.front(), error_text(become_program(argv))));
}

int end_with(const Instance& instance, std::string_view text, int signal_number, unsigned seconds) {
  const pid_t pid = instance.master_pid();
  if (pid == 0) return not_running(instance);
  instance.say(text);
  if (::kill(pid, signal_number) != 0)
    return instance.fail(fmt::format("kill {}: {}", pid, error_text(errno)));
  if (instance.wait_for_end(seconds)) return 0;
  instance.warn("stopping the Postfix mail system with force");
  ::kill(pid, SIGKILL);
  return instance.wait_for_end(kStopTime) ? 0 : 1;
}

int reload(const Instance& instance) {
  const pid_t pid = instance.master_pid();
  if (pid == 0) return not_running(instance);
  if (!check_configuration(instance)) {
    return instance.fail("reload refused: the configuration has errors, the one in use stays as it was");
  }
  instance.say("refreshing the Postfix mail system");
  if (::kill(pid, SIGHUP) == 0) return 0;
  return instance.fail(fmt::format("kill {}: {}", pid, error_text(errno)));
}

int status(const Instance& instance) {
  const pid_t pid = instance.master_pid();
  instance.show(pid == 0 ? "the Postfix mail system is not running"
                         : fmt::format("the Postfix mail system is running: PID: {}", pid));
  return pid == 0 ? 1 : 0;
}

int flush(const Instance& instance) {
  const std::string postqueue = instance.command("postqueue");
  return instance.fail(fmt::format("{}: {}", postqueue, error_text(become_program({postqueue, "-f"}))));
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  optind = 1;
  // '+': options end at the action, so that start-fg may have its own.
  for (int letter = 0; (letter = ::getopt(argc, argv, "+c:Dv")) != -1;) {
    if (letter == 'c') {
      options.config_directory = optarg;
    } else if (letter != 'D' && letter != 'v') {  // these two: docs/differences.md
      throw std::invalid_argument("usage: postfix [-c config_dir] [-Dv] command");
    }
  }
  options.words.assign(argv + optind, argv + argc);
  if (options.words.empty()) throw std::invalid_argument("usage: postfix [-c config_dir] [-Dv] command");
  return options;
}

int perform(const Instance& instance, const Options& options) {
  const std::string& word = options.words.front();
  if (word == "start") return start(instance);
  if (word == "start-fg") return start_foreground(instance, options);
  if (word == "stop" || word == "quick-stop") {
    return end_with(instance, "stopping the Postfix mail system", SIGTERM, kStopTime);
  }
  if (word == "drain") return end_with(instance, "stopping the Postfix mail system", SIGUSR1, 0);
  if (word == "abort") return end_with(instance, "aborting the Postfix mail system", SIGQUIT, kStopTime);
  if (word == "reload") return reload(instance);
  if (word == "status") return status(instance);
  if (word == "flush") return flush(instance);
  if (word == "check") return check(instance) ? 0 : 1;
  if (word == "set-permissions") return set_permissions(instance) ? 0 : 1;
  if (word == "upgrade-configuration") return check(instance) ? 0 : 1;  // there is nothing to add
  if (word == "logrotate") return rotate_log(instance);
  if (word == "tls") return instance.fail("\"postfix tls\" is not available in this version");
  return instance.fail(
      fmt::format("unknown command: '{}'. Usage: postfix start (or start-fg, stop, drain, reload, abort, "
                  "flush, check, status, set-permissions, upgrade-configuration, logrotate)",
                  word));
}

}  // namespace posthouse::postfix_command
