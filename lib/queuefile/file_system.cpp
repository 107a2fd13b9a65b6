#include "lib/queuefile/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lib/base/unique_fd.h"

namespace posthouse::queuefile {

namespace {

constexpr unsigned long kExt4Magic = 0xEF53;
constexpr unsigned long kXfsMagic = 0x58465342;
constexpr unsigned long kBtrfsMagic = 0x9123683E;
constexpr unsigned long kTmpfsMagic = 0x01021994;

std::unexpected<int> last_error() {
  return std::unexpected(errno);
}
IoResult<void> checked(int result) {
  if (result < 0) return last_error();
  return {};
}

Time to_time(const timespec& value) {
  return Time(std::chrono::duration_cast<Time::duration>(std::chrono::seconds(value.tv_sec) +
                                                         std::chrono::nanoseconds(value.tv_nsec)));
}

FileStatus to_status(const struct stat& st) {
  return {.inode = st.st_ino,
          .size = st.st_size,
          .mode = st.st_mode,
          .owner = st.st_uid,
          .modified = to_time(st.st_mtim),
          .links = st.st_nlink};
}

bool fsync_makes_name_durable(const char* path) {
  struct statfs file_system {};
  if (::statfs(path, &file_system) < 0) return false;
  const auto type = static_cast<unsigned long>(file_system.f_type);
  return type == kExt4Magic || type == kXfsMagic || type == kBtrfsMagic || type == kTmpfsMagic;
}

class SystemFile : public File {
 public:
  explicit SystemFile(int fd) : fd_(fd) {}

  IoResult<std::size_t> read_at(char* buffer, std::size_t size, std::int64_t offset) override {
    for (;;) {
      const ssize_t got = ::pread(fd_.get(), buffer, size, offset);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return last_error();
    }
  }
  IoResult<void> write_at(std::string_view bytes, std::int64_t offset) override {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd_.get(), bytes.data(), bytes.size(), offset);
      if (put < 0 && errno != EINTR) return last_error();
      if (put == 0) return std::unexpected(ENOSPC);
      if (put > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(put));
        offset += put;
      }
    }
    return {};
  }
  IoResult<void> set_mode(mode_t mode) override { return checked(::fchmod(fd_.get(), mode)); }
  IoResult<FileStatus> status() override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) < 0) return last_error();
    return to_status(st);
  }
  IoResult<void> sync() override { return checked(::fsync(fd_.get())); }
  IoResult<void> sync_data() override { return checked(::fdatasync(fd_.get())); }
  void start_write_back() override { (void)::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE); }
  IoResult<void> try_lock() override { return checked(::flock(fd_.get(), LOCK_EX | LOCK_NB)); }
  IoResult<void> try_lock_shared() override { return checked(::flock(fd_.get(), LOCK_SH | LOCK_NB)); }
  IoResult<void> truncate(std::int64_t size) override { return checked(::ftruncate(fd_.get(), size)); }
  void unlock() override { (void)::flock(fd_.get(), LOCK_UN); }
  int descriptor() const override { return fd_.get(); }

 private:
  UniqueFd fd_;
};

class SystemFileSystem : public FileSystem {
 public:
  bool syncs_names() override {
    static const bool answer = fsync_makes_name_durable(".");
    return answer;
  }
  IoResult<std::unique_ptr<File>> create(const std::string& path, mode_t mode) override {
    return opened(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  }
  IoResult<std::unique_ptr<File>> open(const std::string& path, OpenFor use) override {
    const int access = use == OpenFor::reading ? O_RDONLY : O_RDWR;
    // Not blocking: a FIFO in a queue directory must not hang the reader.
    return opened(::open(path.c_str(), access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  }
  IoResult<void> rename(const std::string& from, const std::string& to) override {
    return checked(::rename(from.c_str(), to.c_str()));
  }
  IoResult<void> rename_new(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    if (errno != EINVAL && errno != ENOSYS) return last_error();
    if (::link(from.c_str(), to.c_str()) < 0) return last_error();
    return checked(::unlink(from.c_str()));
  }
  IoResult<void> remove(const std::string& path) override { return checked(::unlink(path.c_str())); }
  IoResult<void> make_directory(const std::string& path, mode_t mode) override {
    return checked(::mkdir(path.c_str(), mode));
  }
  IoResult<FileStatus> status(const std::string& path) override {
    struct stat st {};
    if (::lstat(path.c_str(), &st) < 0) return last_error();
    return to_status(st);
  }
  IoResult<void> set_mode(const std::string& path, mode_t mode) override {
    return checked(::chmod(path.c_str(), mode));
  }
  IoResult<void> set_times(const std::string& path, Time time) override {
    const auto since = time.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    timespec value{};
    value.tv_sec = seconds.count();
    value.tv_nsec =
        static_cast<long>((std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds)).count());
    const timespec both[2] = {value, value};
    return checked(::utimensat(AT_FDCWD, path.c_str(), both, AT_SYMLINK_NOFOLLOW));
  }
  IoResult<void> sync_directory(const std::string& path) override {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return last_error();
    return checked(::fsync(fd.get()));
  }
  IoResult<std::vector<std::string>> list(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (!directory) return last_error();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(directory);
    return names;
  }

 private:
  static IoResult<std::unique_ptr<File>> opened(int fd) {
    if (fd < 0) return last_error();
    return std::make_unique<SystemFile>(fd);
  }
};

}  // namespace

bool FileStatus::is_regular() const {
  return S_ISREG(mode);
}

bool FileStatus::is_ready() const {
  return is_regular() && (mode & 0700) == 0700;
}

FileSystem& FileSystem::system() {
  static SystemFileSystem files;
  return files;
}

}  // namespace posthouse::queuefile
