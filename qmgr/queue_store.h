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
#include "lib/queuefile/spare_files.h"

namespace posthouse::qmgr {

using queuefile::IoResult;
using queuefile::QueueId;

class QueueStore {
 public:
  // Up to `spare_limit` files of removed messages are kept for new ones.
  QueueStore(queuefile::FileSystem& files, queuefile::Layout layout, const Clock& clock,
             std::size_t spare_limit = 0)
      : files_(&files), layout_(std::move(layout)), clock_(&clock), spares_(spare_limit) {}

  void set_layout(queuefile::Layout layout) { layout_ = std::move(layout); }
  void set_spare_limit(std::size_t limit) { spares_.set_limit(limit); }
  void tidy_spares() { spares_.tidy(*files_); }
  void care_for_spares();  // every second; may wait
  const queuefile::Layout& layout() const { return layout_; }

  // Complete and its time has come? A time further ahead than `longest_wait` was set by a clock that has gone
  // back since, and has come too; with 0 every time has.
  bool is_due(std::string_view queue, const QueueId& id, std::chrono::seconds longest_wait) const;
  IoResult<void> activate(std::string_view from, const QueueId& id) const;
  IoResult<std::unique_ptr<queuefile::File>> open_active(const QueueId& id, queuefile::OpenFor use) const;
  // Somebody delivers this message at the moment.
  bool is_being_delivered(const QueueId& id) const;
  IoResult<void> clear_flush_request(const QueueId& id, mode_t mode) const;

  IoResult<void> defer(const QueueId& id, Time not_before) const;                // active -> deferred
  IoResult<void> back_to_incoming(const QueueId& id, Time not_before) const;     // active -> incoming
  IoResult<void> set_aside_corrupt(const QueueId& id) const;                     // active -> corrupt
  IoResult<void> give_true_name(const QueueId& id, const QueueId& other) const;  // active -> incoming
  IoResult<void> remove(const QueueId& id, bool keeps_file);

  // The bounce, defer or trace log of a message.
  enum class Log : unsigned char { none, empty, filled };
  Log log_of(std::string_view queue, const QueueId& id) const;
  void remove_log(std::string_view queue, const QueueId& id) const;

 private:
  IoResult<void> move_at(std::string_view to, const QueueId& id, Time not_before) const;

  queuefile::FileSystem* files_;
  queuefile::Layout layout_;
  const Clock* clock_;
  queuefile::SpareGiver spares_;
};

}  // namespace posthouse::qmgr
