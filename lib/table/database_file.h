// What the types with an index file (NAME.db, NAME.lmdb, NAME.cdb) have in common.
#pragma once

#include <sys/stat.h>

#include <string>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"

namespace posthouse::table {

// "open database PATH: TEXT", TEXT from errno or as given.
Failure cannot_open(const std::string& path, int error_number);
Failure cannot_open(const std::string& path, std::string_view text);

// Logs "database X.db is older than source file X" when the source was edited after the build, but not in the
// last 100 s.
void warn_if_older(const std::string& path, const struct stat& database, const std::string& source);

// Watches an open index file: replaced (no link left), or written since (by somebody else).
class OpenFileMark {
 public:
  OpenFileMark() = default;
  explicit OpenFileMark(int fd);
  bool is_changed(int fd) const;

 private:
  timespec modified_{};
  bool is_set_ = false;
};

// An index file that takes the place of `path` in one step. While it exists, nobody else builds the same one:
// PATH.tmp is locked. The reader sees the old file or the new one, both whole.
class Replacement {
 public:
  // Mode: that of an existing file if `keep_mode`, else 0644 masked by the umask.
  static Result<Replacement> start(const std::string& path, bool keep_mode);
  Replacement(Replacement&& other) noexcept;
  Replacement& operator=(Replacement&&) = delete;
  ~Replacement();  // without commit(): PATH.tmp is removed

  const std::string& path() const { return temporary_; }
  int fd() const { return fd_.get(); }
  Result<void> commit();  // fsync, rename, fsync of the directory

 private:
  Replacement(std::string target, std::string temporary, UniqueFd fd);
  std::string target_, temporary_;
  UniqueFd fd_;
};

// flock() that repeats after EINTR; false with errno.
bool lock_file(int fd, int operation);

}  // namespace posthouse::table
