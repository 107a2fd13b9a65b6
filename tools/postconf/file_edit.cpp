#include "tools/postconf/file_edit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"

namespace posthouse::postconf {

namespace {

[[noreturn]] void fail_with(std::string_view what, const std::string& path) {
  throw Fatal(fmt::format("{} {}: {}", what, path, error_text(errno)));
}

std::string target_of(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> target(realpath(path.c_str(), nullptr), &std::free);
  return target ? std::string(target.get()) : path;
}

// The temporary file, locked, and still the one that the name stands for.
UniqueFd open_locked(const std::string& path) {
  while (true) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) fail_with("open", path);
    if (::flock(fd.get(), LOCK_EX) != 0) fail_with("lock", path);
    struct stat mine {};
    struct stat named {};
    if (::fstat(fd.get(), &mine) == 0 && ::lstat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino) {
      return fd;
    }
  }
}

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail_with("write", path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());
}

}  // namespace

std::string read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail_with("open", path);
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with("read", path);
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void edit_file(const std::string& path, const std::function<std::string(const std::string&)>& change) {
  const std::string target = target_of(path);
  const std::string temporary = target + ".tmp";
  const UniqueFd fd = open_locked(temporary);
  try {
    struct stat status {};
    if (::stat(target.c_str(), &status) != 0)
      throw Fatal(fmt::format("open {} for reading: {}", path, error_text(errno)));
    const std::string text = change(read_file(target));
    if (::ftruncate(fd.get(), 0) != 0) fail_with("truncate", temporary);
    write_all(fd.get(), text, temporary);
    if (::fchmod(fd.get(), status.st_mode & 07777) != 0) fail_with("chmod", temporary);
    if (::geteuid() == 0 && ::fchown(fd.get(), status.st_uid, status.st_gid) != 0)
      fail_with("chown", temporary);
    if (::fsync(fd.get()) != 0) fail_with("fsync", temporary);
    if (::rename(temporary.c_str(), target.c_str()) != 0) fail_with("rename", temporary);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory_of(target);
}

}  // namespace posthouse::postconf
