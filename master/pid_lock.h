// One master per queue directory: pid/master.pid is kept locked while master runs and holds its process id,
// right-justified in 32 columns.
#pragma once

#include <sys/types.h>

#include <string>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"

namespace posthouse::master {

class PidLock {
 public:
  // Failure text: "open lock file PATH: unable to set exclusive lock: Resource temporarily unavailable".
  static Result<PidLock> take(const std::string& path);
  // After a fork: the lock goes with the descriptor, the number changes.
  void write_pid() const;

  // True when the file does not exist or nobody holds it.
  static bool is_free(const std::string& path);
  // The process that holds the lock, 0 if none.
  static pid_t holder(const std::string& path);

 private:
  explicit PidLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace posthouse::master
