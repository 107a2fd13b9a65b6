#include "bounce/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lib/base/unique_fd.h"

namespace posthouse::bounce {

namespace {

// "defer/9/2/ID": makes defer/9 and defer/9/2.
void make_parents(const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    ::mkdir(path.substr(0, slash).c_str(), 0700);
  }
}

UniqueFd open_for_append(const std::string& path) {
  const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  UniqueFd fd(::open(path.c_str(), flags, 0600));
  if (fd || errno != ENOENT) return fd;
  make_parents(path);
  fd.reset(::open(path.c_str(), flags, 0600));
  return fd;
}

// The lock may have been won on a file that its owner removed meanwhile.
bool is_current(int fd, const std::string& path) {
  struct stat open_file {
  }, named_file{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino;
}

Result<UniqueFd> open_locked(const std::string& path) {
  for (;;) {
    UniqueFd fd = open_for_append(path);
    if (!fd) return fail(Failure::system("open " + path, errno));
    while (::flock(fd.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return fail(Failure::system("lock " + path, errno));
    }
    if (is_current(fd.get(), path)) return fd;
  }
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

LogFile::LogFile(const queuefile::Layout& layout, LogKind kind, const queuefile::QueueId& id)
    : path_(layout.path(ipc::name_of(kind), id)) {}

Result<void> LogFile::append_blocking(std::string_view entries) const {
  auto fd = open_locked(path_);
  if (!fd) return fail(std::move(fd.error()));
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return fail(Failure::system("stat " + path_, errno));
  if (write_all(fd->get(), entries) && ::fsync(fd->get()) == 0) return {};
  const int error = errno;
  [[maybe_unused]] const int cut = ::ftruncate(fd->get(), status.st_size);
  return fail(Failure::system("append to " + path_, error));
}

Result<std::optional<std::string>> LogFile::read_blocking() const {
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return fail(Failure::system("open " + path_, errno));
  std::string text;
  std::string block(256 * 1024, '\0');
  while (text.size() < kSizeLimit) {
    const ssize_t size = ::read(fd.get(), block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(Failure::system("read " + path_, errno));
    if (size == 0) break;
    text.append(block, 0, static_cast<std::size_t>(size));
  }
  return text;
}

Result<void> LogFile::remove_blocking() const {
  if (::unlink(path_.c_str()) == 0 || errno == ENOENT) return {};
  return fail(Failure::system("remove " + path_, errno));
}

}  // namespace posthouse::bounce
