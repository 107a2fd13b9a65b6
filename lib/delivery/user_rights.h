// Acts with the rights of a mailbox's owner for the lifetime of the object: this thread only.
//
// For worker threads (offload): the kernel keeps user and group ids per thread, so other threads go on
// with theirs. Effective ids only; the thread gets its own back at the end, or the process dies. Without root
// privilege (rootless operation) nothing changes: everything is done as the running user.
#pragma once

#include <sys/types.h>

#include "lib/base/failure.h"

namespace posthouse::delivery {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

class UserRights {
 public:
  explicit UserRights(const Owner& owner);
  ~UserRights();
  UserRights(const UserRights&) = delete;
  UserRights& operator=(const UserRights&) = delete;

  // Why the rights could not be taken; nothing must be done then.
  const Result<void>& taken() const { return taken_; }
  static bool can_switch();  // the process runs as root

 private:
  void give_back();
  bool is_switched_ = false;
  Result<void> taken_;
};

}  // namespace posthouse::delivery
