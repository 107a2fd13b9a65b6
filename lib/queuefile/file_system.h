// The file system as an argument, so that power cuts and full disks can be tested.
//
// Errors are errno values. Paths are relative to the queue directory. FileSystem::system() uses
// the process's working directory (daemons and queue tools change to queue_directory first).
// Calls may block; sync calls do.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"

namespace posthouse::queuefile {

template <class T>
using IoResult = std::expected<T, int>;

struct FileStatus {
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  mode_t mode = 0;  // type and permission bits
  uid_t owner = 0;
  Time modified;
  std::uint64_t links = 1;

  bool is_regular() const;
  bool is_ready() const;  // regular and all of 0700
  mode_t permissions() const { return mode & 07777; }
};

class File {
 public:
  virtual ~File() = default;
  virtual IoResult<std::size_t> read_at(char* buffer, std::size_t size, std::int64_t offset) = 0;
  // Writes all of it or fails.
  virtual IoResult<void> write_at(std::string_view bytes, std::int64_t offset) = 0;
  virtual IoResult<void> set_mode(mode_t mode) = 0;
  virtual IoResult<FileStatus> status() = 0;
  virtual IoResult<void> sync() = 0;  // blocks
  // Content and size, but not a new name or mode, become durable; blocks. Cheaper: where neither the size nor
  // the blocks have changed, the file system's journal has nothing to do.
  virtual IoResult<void> sync_data() = 0;
  // Lets the disk have what was written, without waiting for it.
  virtual void start_write_back() {}
  // Exclusive lock, without waiting. EWOULDBLOCK when somebody else has it.
  virtual IoResult<void> try_lock() = 0;
  // Delivery agents share the lock: several may deliver one message to different destinations.
  virtual IoResult<void> try_lock_shared() { return try_lock(); }
  virtual void unlock() {}
  virtual IoResult<void> truncate(std::int64_t size) = 0;
  virtual int descriptor() const = 0;  // -1 for a simulated file
};

enum class OpenFor : unsigned char { reading, marking };  // marking: read and write, no create

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  static FileSystem& system();

  // File::sync() of a new or renamed file also makes its name durable, and the rename is never half done
  // (ext4, XFS, btrfs, tmpfs). For all of the queue: it is in one file system, or no message could be
  // renamed.
  virtual bool syncs_names() { return false; }
  virtual IoResult<std::unique_ptr<File>> create(const std::string& path, mode_t mode) = 0;  // exclusive
  virtual IoResult<std::unique_ptr<File>> open(const std::string& path, OpenFor use) = 0;
  virtual IoResult<void> rename(const std::string& from, const std::string& to) = 0;      // may replace
  virtual IoResult<void> rename_new(const std::string& from, const std::string& to) = 0;  // EEXIST
  virtual IoResult<void> remove(const std::string& path) = 0;
  virtual IoResult<void> make_directory(const std::string& path, mode_t mode) = 0;
  virtual IoResult<FileStatus> status(const std::string& path) = 0;  // does not follow symlinks
  virtual IoResult<void> set_mode(const std::string& path, mode_t mode) = 0;
  virtual IoResult<void> set_times(const std::string& path, Time time) = 0;  // access and change
  // Makes names in the directory durable; blocks. Not needed where syncs_names().
  virtual IoResult<void> sync_directory(const std::string& path) = 0;
  virtual IoResult<std::vector<std::string>> list(const std::string& path) = 0;
};

}  // namespace posthouse::queuefile
