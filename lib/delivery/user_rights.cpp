#include "lib/delivery/user_rights.h"

#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace posthouse::delivery {
namespace {

// The C library's functions would change all threads; the system calls change the calling one.
constexpr uid_t kSame = static_cast<uid_t>(-1);

bool set_groups(std::size_t count, const gid_t* groups) {
  return ::syscall(SYS_setgroups, count, groups) == 0;
}
bool set_group(gid_t gid) {
  return ::syscall(SYS_setresgid, kSame, gid, kSame) == 0;
}
bool set_user(uid_t uid) {
  return ::syscall(SYS_setresuid, kSame, uid, kSame) == 0;
}

}  // namespace

bool UserRights::can_switch() {
  return ::getuid() == 0;
}

UserRights::UserRights(const Owner& owner) {
  if (!can_switch()) return;
  is_switched_ = true;
  const std::array<gid_t, 1> groups{owner.gid};
  if (!set_groups(groups.size(), groups.data()) || !set_group(owner.gid) || !set_user(owner.uid)) {
    const int error = errno;
    give_back();
    taken_ = fail(Failure::system("cannot take the rights of user", error));
  }
}

UserRights::~UserRights() {
  give_back();
}

void UserRights::give_back() {
  if (!is_switched_) return;
  is_switched_ = false;
  // A thread that keeps a user's rights, or root's groups lost, must not serve anybody else.
  const gid_t own = 0;
  if (!set_user(0) || !set_group(0) || !set_groups(1, &own)) std::abort();
}

}  // namespace posthouse::delivery
