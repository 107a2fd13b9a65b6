#include "master/pid_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "lib/base/text.h"

namespace posthouse::master {

Result<PidLock> PidLock::take(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(Failure::system("open lock file " + path, errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Failure::system(fmt::format("open lock file {}: unable to set exclusive lock", path), errno));
  }
  PidLock lock(std::move(fd));
  lock.write_pid();
  return lock;
}

void PidLock::write_pid() const {
  const std::string text = fmt::format("{:>32}\n", ::getpid());
  if (::pwrite(fd_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) {
    [[maybe_unused]] const int status = ::ftruncate(fd_.get(), static_cast<off_t>(text.size()));
  }
}

bool PidLock::is_free(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno == ENOENT;
  return ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0;
}

pid_t PidLock::holder(const std::string& path) {
  if (is_free(path)) return 0;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[64];
  const ssize_t size = fd ? ::read(fd.get(), buffer, sizeof buffer) : -1;
  if (size <= 0) return 0;
  return parse_int<pid_t>(trim(std::string_view(buffer, static_cast<std::size_t>(size)))).value_or(0);
}

}  // namespace posthouse::master
