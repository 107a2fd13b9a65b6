// A running postdrop: records of a message go in, its queue id comes out. Calls may block; for commands, and
// for daemons that serve one user on standard input. The writer ignores SIGPIPE.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"

namespace posthouse::command {

class PostdropPipe {
 public:
  static Result<PostdropPipe> start(const std::string& program);
  PostdropPipe(PostdropPipe&&) noexcept = default;

  Result<void> write(std::string_view records);
  // The name of the file that postdrop has begun; fails when it could not begin one (it has said why).
  Result<std::string> queue_id();
  // Closes the pipe, waits. The exit status; 75 when it was killed. Without an end record before, postdrop
  // drops the message.
  int finish();

 private:
  PostdropPipe(UniqueFd input, UniqueFd output, pid_t pid)
      : input_(std::move(input)), output_(std::move(output)), pid_(pid) {}
  UniqueFd input_, output_;
  pid_t pid_;
};

}  // namespace posthouse::command
