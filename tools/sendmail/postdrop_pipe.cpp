#include "tools/sendmail/postdrop_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

extern char** environ;

namespace posthouse::sendmail {

Result<PostdropPipe> PostdropPipe::start(const std::string& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Failure::system("pipe", errno));
  UniqueFd reading(ends[0]), writing(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, reading.get(), STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  std::string name = program, flag = "-r";
  char* arguments[] = {name.data(), flag.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Failure::system(fmt::format("unable to execute {} -r", program), error));
  return PostdropPipe(std::move(writing), pid);
}

Result<void> PostdropPipe::write(std::string_view records) {
  while (!records.empty()) {
    const ssize_t put = ::write(input_.get(), records.data(), records.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(Failure::system("write to postdrop", errno));
    records.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

int PostdropPipe::finish() {
  input_.reset();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return 75;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 75;
}

}  // namespace posthouse::sendmail
