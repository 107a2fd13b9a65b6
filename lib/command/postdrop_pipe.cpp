#include "lib/command/postdrop_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

extern char** environ;

namespace posthouse::command {
namespace {

constexpr std::string_view kQueueId = "queue_id=";

}  // namespace

Result<PostdropPipe> PostdropPipe::start(const std::string& program) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) < 0) return fail(Failure::system("pipe", errno));
  UniqueFd reading(in[0]), writing(in[1]);
  if (::pipe2(out, O_CLOEXEC) < 0) return fail(Failure::system("pipe", errno));
  UniqueFd answers(out[0]), answering(out[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, reading.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, answering.get(), STDOUT_FILENO);
  std::string name = program, flag = "-r";
  char* arguments[] = {name.data(), flag.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Failure::system(fmt::format("unable to execute {} -r", program), error));
  return PostdropPipe(std::move(writing), std::move(answers), pid);
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

Result<std::string> PostdropPipe::queue_id() {
  std::string line;
  for (char byte = 0; byte != '\n';) {
    const ssize_t got = ::read(output_.get(), &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Failure::deferred("4.3.0", "postdrop did not begin a message"));
    line += byte;
  }
  if (!line.starts_with(kQueueId)) return fail(Failure::deferred("4.3.0", "unexpected answer of postdrop"));
  return line.substr(kQueueId.size(), line.size() - kQueueId.size() - 1);
}

int PostdropPipe::finish() {
  input_.reset();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return 75;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 75;
}

}  // namespace posthouse::command
