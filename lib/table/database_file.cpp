#include "lib/table/database_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "lib/log/log.h"

namespace posthouse::table {
namespace {

constexpr time_t kSourceGrace = 100;  // seconds in which a source may be newer: somebody is at work
constexpr int kReplacementTries = 100;

// The file behind symbolic links, so that a rename does not replace the link.
std::string real_path(const std::string& path) {
  char* found = ::realpath(path.c_str(), nullptr);
  if (found == nullptr) return path;
  std::string out = found;
  ::free(found);
  return out;
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void warn_about_directory(const std::string& path) {
  struct stat directory {};
  if (::geteuid() != 0 || ::stat(directory_of(path).c_str(), &directory) != 0 || directory.st_uid == 0)
    return;
  log::warning("{}: the database would be owned by root, but its directory {} belongs to user id {}", path,
               directory_of(path), directory.st_uid);
}

}  // namespace

Failure cannot_open(const std::string& path, std::string_view text) {
  return Failure::deferred("4.3.0", fmt::format("open database {}: {}", path, text));
}

Failure cannot_open(const std::string& path, int error_number) {
  return cannot_open(path, error_text(error_number));
}

void warn_if_older(const std::string& path, const struct stat& database, const std::string& source) {
  struct stat status {};
  if (::stat(source.c_str(), &status) != 0) return;
  if (status.st_mtime > database.st_mtime && status.st_mtime < std::time(nullptr) - kSourceGrace)
    log::warning("database {} is older than source file {}", path, source);
}

OpenFileMark::OpenFileMark(int fd) {
  struct stat status {};
  is_set_ = ::fstat(fd, &status) == 0;
  modified_ = status.st_mtim;
}

bool OpenFileMark::is_changed(int fd) const {
  struct stat now {};
  if (!is_set_ || ::fstat(fd, &now) != 0) return false;
  return now.st_nlink == 0 || now.st_mtim.tv_sec != modified_.tv_sec ||
         now.st_mtim.tv_nsec != modified_.tv_nsec;
}

bool lock_file(int fd, int operation) {
  int result = 0;
  do result = ::flock(fd, operation);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

Replacement::Replacement(std::string target, std::string temporary, UniqueFd fd)
    : target_(std::move(target)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

Replacement::Replacement(Replacement&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)) {}

Replacement::~Replacement() {
  if (fd_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<Replacement> Replacement::start(const std::string& path, bool keep_mode) {
  const std::string target = real_path(path);
  const std::string temporary = target + ".tmp";
  warn_about_directory(target);
  for (int i = 0; i < kReplacementTries; ++i) {
    UniqueFd fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd) return fail(cannot_open(temporary, errno));
    if (!lock_file(fd.get(), LOCK_EX)) return fail(cannot_open(temporary, errno));
    // While we waited the other builder may have renamed or removed the file.
    struct stat ours {
    }, named{};
    if (::fstat(fd.get(), &ours) != 0 || ::lstat(temporary.c_str(), &named) != 0) continue;
    if (ours.st_ino != named.st_ino || ours.st_dev != named.st_dev) continue;
    if (::ftruncate(fd.get(), 0) != 0) return fail(cannot_open(temporary, errno));
    struct stat old {};
    if (keep_mode && ::stat(target.c_str(), &old) == 0) ::fchmod(fd.get(), old.st_mode & 0777);
    return Replacement(target, temporary, std::move(fd));
  }
  return fail(cannot_open(temporary, "too many programs build this database"));
}

Result<void> Replacement::commit() {
  const auto trouble = [&](std::string_view what) {
    return fail(Failure::deferred("4.3.0", fmt::format("{} {}: {}", what, temporary_, error_text(errno))));
  };
  // Engines may have written through a descriptor of their own; fsync works on the file.
  if (::fsync(fd_.get()) != 0) return trouble("write");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return trouble("rename");
  temporary_.clear();
  UniqueFd directory(::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) (void)::fsync(directory.get());
  return {};
}

}  // namespace posthouse::table
