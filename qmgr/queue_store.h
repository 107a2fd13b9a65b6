// The queue manager's view of the queue directories: which messages are ready, and moves between queues.
//
// All calls are short file system calls without fsync: until a message is removed its file exists in some
// queue, and the start-up puts what is left in active/ back into incoming/. Errors are errno values; a
// message that somebody removed meanwhile is ENOENT.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/queuefile/file_system.h"
#include "lib/queuefile/layout.h"
#include "lib/queuefile/queue_id.h"

namespace posthouse::qmgr {

using queuefile::IoResult;
using queuefile::QueueId;

class QueueStore {
 public:
  QueueStore(queuefile::FileSystem& files, queuefile::Layout layout, const Clock& clock)
      : files_(&files), layout_(std::move(layout)), clock_(&clock) {}

  void set_layout(queuefile::Layout layout) { layout_ = std::move(layout); }
  const queuefile::Layout& layout() const { return layout_; }

  // Complete and its time has come? A time further ahead than `longest_wait` was set by a clock that has gone
  // back since, and has come too; with 0 every time has.
  bool is_due(std::string_view queue, const QueueId& id, std::chrono::seconds longest_wait) const;
  IoResult<void> activate(std::string_view from, const QueueId& id) const;
  IoResult<std::unique_ptr<queuefile::File>> open_active(const QueueId& id, queuefile::OpenFor use) const;
  // Somebody delivers this message at the moment.
  bool is_being_delivered(const QueueId& id) const;
  IoResult<void> clear_flush_request(const QueueId& id, mode_t mode) const;

  IoResult<void> defer(const QueueId& id, Time not_before) const;             // active -> deferred
  IoResult<void> back_to_incoming(const QueueId& id, Time not_before) const;  // active -> incoming
  IoResult<void> set_aside_corrupt(const QueueId& id) const;                  // active -> corrupt
  IoResult<void> remove(const QueueId& id) const;

  // The bounce, defer or trace log of a message.
  enum class Log : unsigned char { none, empty, filled };
  Log log_of(std::string_view queue, const QueueId& id) const;
  void remove_log(std::string_view queue, const QueueId& id) const;

 private:
  IoResult<void> move_at(std::string_view to, const QueueId& id, Time not_before) const;

  queuefile::FileSystem* files_;
  queuefile::Layout layout_;
  const Clock* clock_;
};

}  // namespace posthouse::qmgr
