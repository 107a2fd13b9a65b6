#include "lib/service/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

namespace posthouse::service {

Result<void> confine(const Confinement& confinement) {
  const passwd* account = confinement.user.empty() ? nullptr : ::getpwnam(confinement.user.c_str());
  if (!confinement.user.empty() && !account) {
    return fail(Failure::deferred("4.3.5", "mail_owner: no such account: " + confinement.user));
  }
  if (!confinement.chroot_directory.empty()) {
    if (::chroot(confinement.chroot_directory.c_str()) != 0) return fail(Failure::system("chroot", errno));
    if (::chdir("/") != 0) return fail(Failure::system("chdir /", errno));
  }
  if (!account || confinement.keeps_root) return {};
  if (::initgroups(account->pw_name, account->pw_gid) != 0) return fail(Failure::system("initgroups", errno));
  if (::setgid(account->pw_gid) != 0) return fail(Failure::system("setgid", errno));
  if (::setuid(account->pw_uid) != 0) return fail(Failure::system("setuid", errno));
  // Losing root also makes the process undumpable, which hides its /proc entries from its own user.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return {};
}

}  // namespace posthouse::service
