#include "master/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "lib/log/log.h"

namespace posthouse::master {

namespace {

constexpr int kFirstInherited = 3;

// Two steps, because a source may stand where another one has to go.
bool place_descriptors(const ChildSetup& setup) {
  std::vector<int> sources{setup.lifeline, setup.log, setup.status};
  sources.insert(sources.end(), setup.listeners.begin(), setup.listeners.end());
  const int above = kFirstInherited + static_cast<int>(sources.size());
  for (int& source : sources) {
    source = ::fcntl(source, F_DUPFD_CLOEXEC, above);
    if (source < 0) return false;
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (::dup2(sources[i], kFirstInherited + static_cast<int>(i)) < 0) return false;
  }
  return true;
}

// What master says before the daemon can listen must wait for it, not kill it: the event loop unblocks a
// signal when it has an action for it (Loop::on_signal).
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t until_ready;
  sigemptyset(&until_ready);
  sigaddset(&until_ready, SIGHUP);
  sigaddset(&until_ready, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &until_ready, nullptr);
}

[[noreturn]] void become(const ChildSetup& setup) {
  reset_signals();
  ::setpgid(0, 0);  // an interrupt from the terminal is for master alone, which ends its children in order
  std::vector<char*> argv;
  for (const std::string& argument : setup.argv) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (!place_descriptors(setup)) log::die(fmt::format("{}: descriptors: {}", setup.path, error_text(errno)));
  ::execv(setup.path.c_str(), argv.data());
  log::die(fmt::format("{}: {}", setup.path, error_text(errno)));
}

}  // namespace

Result<pid_t> start_child(const ChildSetup& setup) {
  const pid_t pid = ::fork();
  if (pid < 0) return fail(Failure::system("fork", errno));
  if (pid == 0) become(setup);
  return pid;
}

}  // namespace posthouse::master
