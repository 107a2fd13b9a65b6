// Finished queue files that wait in spare/ to become new ones: an inode and blocks that need not be freed and
// found again, and whose name is durable already, so that a new message in it needs only its bytes synced.
// The queue manager gives, cleanup takes.
//
// A spare file is named by its inode number and has mode 0600, so that it is never taken for a message. It
// still holds the old message until it is overwritten, for the mail system's own user only; when no mail has
// come for a while it is removed. A name is taken by renaming it, which only one process can do. A power cut
// may undo renames; where a message is then that stands in such a file, recovery.h says. Only for file
// systems where a rename is never half done (FileSystem::syncs_names).
//
// Short file system calls, no sync. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lib/queuefile/file_system.h"
#include "lib/queuefile/layout.h"
#include "lib/queuefile/queue_id.h"

namespace posthouse::queuefile {

class SpareGiver {
 public:
  // At most `limit` files are kept; 0: none.
  explicit SpareGiver(std::size_t limit) : limit_(limit), count_(limit) {}
  void set_limit(std::size_t limit) { limit_ = limit; }

  // Removes the finished message at `path` from its queue, keeping its file when it is of use.
  IoResult<void> remove(FileSystem& files, const std::string& path);
  // Call now and then: removes all spare files when none was given since the last call.
  void tidy(FileSystem& files);
  // Call every second or so: removes half of those that nobody needed since the last but two calls, so that
  // the files that are left are used often and have the size that messages have now. None that take_recent()
  // has not told.
  void trim(FileSystem& files);
  // The paths of the files kept since the last call, for write_back().
  std::vector<std::string> take_recent();

  static constexpr std::int64_t kLargest = 128 * 1024;  // bytes; larger ones are removed

 private:
  bool is_full(FileSystem& files);

  std::size_t limit_;
  std::unordered_set<std::uint64_t> recent_;  // inodes; at most limit_
  std::size_t count_;  // at most so many there are; an earlier process may have left some, cleanup takes some
  std::size_t full_for_ = 0;  // so many more are removed before the directory is looked at again
  bool was_used_ = false;
  std::array<std::size_t, 3> unused_{};  // how many there were at the last calls of trim()
};

// Lets the disk have the marks of finished messages (Marker), so that no power cut later than a moment after
// their delivery brings them back. Those taken meanwhile need it no more. May block.
void write_back(FileSystem& files, const std::vector<std::string>& paths);

// All of them, while the mail system runs; at its start recovery.h looks at what they hold.
void remove_spare_files(FileSystem& files);

class SpareTaker {
 public:
  struct Taken {
    std::unique_ptr<File> file;  // mode 0600, old content
    QueueId id;
    std::string path;  // under this name in its queue already
    std::int64_t size = 0;
  };
  // A file under a new id in `queue`; nothing when there is none at the moment.
  std::optional<Taken> take(FileSystem& files, const Layout& layout, std::string_view queue, bool long_ids,
                            Time now);

 private:
  std::optional<std::string> next_name(FileSystem& files);

  // Somebody else takes from there: what is known is old.
  void forget() {
    names_.clear();
    pause_ = 0;
  }

  std::minstd_rand random_{std::random_device{}()};
  std::vector<std::string> names_;
  int pause_ = 0;  // calls until the directory is read again
};

}  // namespace posthouse::queuefile
