#include "master/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lib/base/unique_fd.h"

namespace posthouse::master {

Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode, gid_t group) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0600));
  if (!fd) return fail(Failure::system("create " + fresh, errno));
  if (group != static_cast<gid_t>(-1) && ::geteuid() == 0 && ::fchown(fd.get(), 0, group) != 0) {
    return fail(Failure::system("chown " + fresh, errno));
  }
  ::fchmod(fd.get(), mode);
  while (!text.empty()) {
    const ssize_t count = ::write(fd.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Failure::system("write " + fresh, errno));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail(Failure::system("rename " + fresh, errno));
  return {};
}

}  // namespace posthouse::master
