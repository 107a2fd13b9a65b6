#include "master/trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <set>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/base/unique_fd.h"
#include "lib/registry/registry.h"
#include "master/complaint.h"

namespace posthouse::master {

namespace {

constexpr std::size_t kMostOutput = 64 * 1024;  // bytes of one program

struct Attempt {
  ServicePlan plan;
  pid_t pid = 0;
  UniqueFd output;
  std::string text;
};

// Distinct programs with their arguments, in the order of master.cf.
std::vector<ServicePlan> plans_to_try(const Configuration& configuration, const Machine& machine) {
  std::vector<ServicePlan> plans;
  std::set<std::vector<std::string>> seen;
  for (const config::MasterEntry& entry : configuration.master_cf.entries) {
    if (configuration.settings.is_disabled(entry) || entry.command.starts_with('/')) continue;
    ServicePlan plan = plan_service(entry, configuration.settings, machine);
    std::vector<std::string> key{plan.path, plan.program.goes_by_name ? entry.name : ""};
    key.insert(key.end(), entry.arguments.begin(), entry.arguments.end());
    if (seen.insert(std::move(key)).second) plans.push_back(std::move(plan));
  }
  return plans;
}

std::vector<std::string> arguments_of(const ServicePlan& plan) {
  std::vector<std::string> arguments = plan.argv(0, 0);
  arguments.insert(arguments.begin() + 1, "-T");
  return arguments;
}

// Starts the program with its standard error in a pipe; 0, or the error number.
int spawn(Attempt& attempt) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  attempt.output.reset(ends[0]);
  const UniqueFd write_end(ends[1]);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, write_end.get(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const std::vector<std::string> arguments = arguments_of(attempt.plan);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int error =
      ::posix_spawn(&attempt.pid, attempt.plan.path.c_str(), &files, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

class Trial {
 public:
  explicit Trial(const Configuration& configuration)
      : master_cf_path_(configuration.settings.config_directory + "/master.cf") {
    if (auto main_cf = config::MainCf::load(configuration.settings.config_directory)) {
      main_cf_ = std::move(*main_cf);
    }
    registry::add_all_defaults(main_cf_);
  }

  Findings run(std::vector<ServicePlan> plans, std::size_t at_a_time) {
    std::ranges::reverse(plans);
    while (!plans.empty() || !attempts_.empty()) {
      while (!plans.empty() && attempts_.size() < at_a_time) {
        begin(std::move(plans.back()));
        plans.pop_back();
      }
      if (!attempts_.empty()) wait_for_output();
    }
    return std::move(findings_);
  }

 private:
  void begin(ServicePlan plan) {
    Attempt attempt{.plan = std::move(plan)};
    if (const int error = spawn(attempt); error != 0) {
      add(findings_.warnings, attempt.plan.entry,
          fmt::format("{}: {}", attempt.plan.path, error_text(error)));
      return;
    }
    attempts_.push_back(std::move(attempt));
  }

  void wait_for_output() {
    std::vector<pollfd> polled;
    for (const Attempt& attempt : attempts_) polled.push_back({attempt.output.get(), POLLIN, 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - std::chrono::steady_clock::now());
    const int ready =
        ::poll(polled.data(), polled.size(), static_cast<int>(std::max<long long>(0, left.count())));
    if (ready == 0) return give_up();
    auto attempt = attempts_.begin();
    for (const pollfd& item : polled) {
      const auto next = std::next(attempt);
      if (item.revents != 0 && !read_more(*attempt)) {
        finish(*attempt);
        attempts_.erase(attempt);
      }
      attempt = next;
    }
  }

  static bool read_more(Attempt& attempt) {
    char bytes[4096];
    const ssize_t size = ::read(attempt.output.get(), bytes, sizeof bytes);
    if (size < 0 && errno == EINTR) return true;
    if (size <= 0) return false;
    if (attempt.text.size() < kMostOutput) attempt.text.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  void give_up() {
    for (Attempt& attempt : attempts_) {
      ::kill(attempt.pid, SIGKILL);
      ::waitpid(attempt.pid, nullptr, 0);
      add(findings_.errors, attempt.plan.entry,
          fmt::format("{}: no answer to the check of its settings", attempt.plan.path));
    }
    attempts_.clear();
  }

  // Lines are "IDENT: SEVERITY: TEXT".
  void finish(const Attempt& attempt) {
    int status = 0;
    while (::waitpid(attempt.pid, &status, 0) < 0 && errno == EINTR) continue;
    bool has_said_why = false;
    for (const std::string_view line : split(attempt.text, '\n')) {
      const std::size_t ident = line.find(": ");
      const std::size_t severity = ident == std::string_view::npos ? ident : line.find(": ", ident + 2);
      if (severity == std::string_view::npos) continue;
      const std::string_view kind = line.substr(ident + 2, severity - ident - 2);
      has_said_why = has_said_why || kind == "fatal" || kind == "panic";
      sort_out(attempt.plan.entry, kind, line.substr(severity + 2));
    }
    if (status == 0 || has_said_why) return;
    add(findings_.errors, attempt.plan.entry,
        WIFSIGNALED(status) ? fmt::format("{}: killed by signal {}", attempt.plan.path, WTERMSIG(status))
                            : fmt::format("{}: exit status {}", attempt.plan.path, WEXITSTATUS(status)));
  }

  void sort_out(const config::MasterEntry& entry, std::string_view severity, std::string_view text) {
    if (severity == "fatal" || severity == "panic") {
      add(findings_.errors, entry, text);
    } else if (severity == "error") {
      // What is there only by default may be missing: not everybody has aliases.
      const bool is_default = !with_place(text, entry, master_cf_path_, main_cf_).is_about_a_file;
      add(is_default ? findings_.warnings : findings_.faults, entry, text);
    } else if (severity == "warning") {
      add(findings_.warnings, entry, text);
    }
  }

  // Several programs may find the same.
  void add(std::vector<std::string>& list, const config::MasterEntry& entry, std::string_view text) {
    std::string line = with_place(text, entry, master_cf_path_, main_cf_).text;
    if (std::ranges::find(list, line) == list.end()) list.push_back(std::move(line));
  }

  std::string master_cf_path_;
  config::MainCf main_cf_;
  std::list<Attempt> attempts_;
  Findings findings_;
  Deadline until_ = deadline_after(kTrialTime);
};

}  // namespace

Findings try_programs(const Configuration& configuration, const Machine& machine) {
  return Trial(configuration).run(plans_to_try(configuration, machine), machine.cores);
}

}  // namespace posthouse::master
