// A running postdrop and the pipe to its standard input.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"

namespace posthouse::sendmail {

class PostdropPipe {
 public:
  static Result<PostdropPipe> start(const std::string& program);
  PostdropPipe(PostdropPipe&&) noexcept = default;

  Result<void> write(std::string_view records);
  // Closes the pipe, waits. The exit status; 75 when it was killed.
  int finish();

 private:
  PostdropPipe(UniqueFd input, pid_t pid) : input_(std::move(input)), pid_(pid) {}
  UniqueFd input_;
  pid_t pid_;
};

}  // namespace posthouse::sendmail
