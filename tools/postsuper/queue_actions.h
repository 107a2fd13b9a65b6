// What postsuper does to messages and queue directories. Works on the file system given, below the
// queue directory; says what it did through `report` ("ID: removed").
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/queuefile/file_system.h"
#include "lib/queuefile/layout.h"
#include "lib/queuefile/queue_scan.h"

namespace posthouse::postsuper {

enum class Action : unsigned char { remove, requeue, hold, release, expire, expire_and_release };

class QueueActions {
 public:
  struct Reports {
    std::function<void(std::string_view)> info, warning;
  };
  QueueActions(queuefile::FileSystem& files, const queuefile::Layout& layout, const Clock& clock,
               Reports reports)
      : files_(files), layout_(layout), clock_(clock), reports_(std::move(reports)) {}

  // One message, in the first of the queues that has it. An unknown message is not reported.
  void perform(Action action, const queuefile::QueueId& id, const std::vector<std::string>& queues);
  // Every message of the queues.
  void perform_on_all(Action action, const std::vector<std::string>& queues);

  // -s: hash depth and names that match inode numbers; -p: old unfinished files.
  void fix_structure(const std::vector<std::string>& queues);
  void purge(const std::vector<std::string>& queues);

  struct Counts {
    std::size_t removed = 0, requeued = 0, held = 0, released = 0, expired = 0, renamed = 0, moved = 0,
                purged = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  bool act(Action action, const queuefile::QueueId& id, const std::string& queue);
  bool remove(const queuefile::QueueId& id, const std::string& queue);
  bool move(const queuefile::QueueId& id, const std::string& from, std::string_view to);
  bool expire(const queuefile::QueueId& id, const std::string& queue);
  bool is_in_place(const std::string& queue, const queuefile::QueueScan::Entry& entry) const;
  void check_place(const std::string& queue, const std::string& directory, const std::string& name);
  void finish_renames();

  struct Rename {
    std::string queue;
    std::string temporary;
    queuefile::QueueId target;
  };
  queuefile::FileSystem& files_;
  const queuefile::Layout& layout_;
  const Clock& clock_;
  Reports reports_;
  Counts counts_;
  std::vector<Rename> renames_;
};

// Queues with message files; the others have logs with the names of messages.
bool is_message_queue(std::string_view queue);
bool is_log_queue(std::string_view queue);

}  // namespace posthouse::postsuper
