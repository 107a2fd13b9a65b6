// Walks a queue directory a few entries at a time, whatever its hash depth, so that a scan of a
// million files never holds anybody up and needs no memory for them.
//
// Descends into every single-character directory. Entries added or removed during the scan may
// or may not be seen. Names that are not queue ids are skipped unless asked for.
#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/queuefile/queue_id.h"

namespace posthouse::queuefile {

class QueueScan {
 public:
  explicit QueueScan(std::string queue_path);  // "deferred"
  ~QueueScan();
  QueueScan(QueueScan&&) noexcept = default;
  QueueScan& operator=(QueueScan&&) noexcept = default;

  struct Entry {
    std::string directory;  // "deferred/9"
    std::string name;
    ino_t inode;            // as the directory tells it: on stacked file systems not always the file's
    bool is_known_regular;  // false also where the directory does not tell
    std::string path() const { return directory + "/" + name; }
  };
  // The next entry of any name, or nothing at the end.
  std::optional<Entry> next_entry();
  // The next entry whose name is a queue id.
  std::optional<QueueId> next();
  // A directory that could not be read, since the last call.
  std::optional<Failure> take_failure();

 private:
  struct Closer {
    void operator()(DIR* directory) const { closedir(directory); }
  };
  struct Level {
    std::string path;
    std::unique_ptr<DIR, Closer> handle;
  };
  void enter(std::string path);
  std::vector<Level> levels_;
  std::optional<Failure> failure_;
};

}  // namespace posthouse::queuefile
