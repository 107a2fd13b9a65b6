#include "qmgr/queue_store.h"

#include <cerrno>

#include "lib/queuefile/recovery.h"
#include "lib/runtime/offload.h"

namespace posthouse::qmgr {
namespace {

using namespace std::chrono_literals;
namespace queue = queuefile::queue;

// Clocks of two file systems, or of the kernel's coarse time, may differ by this.
constexpr auto kTimeSlack = 1s;

Time whole_seconds(Time time) {
  return time_from_unix(unix_seconds(time));
}

}  // namespace

bool QueueStore::is_due(std::string_view queue, const QueueId& id, std::chrono::seconds longest_wait) const {
  const auto status = files_->status(layout_.path(queue, id));
  if (!status || !status->is_ready()) return false;
  const auto ahead = status->modified - clock_->now() - kTimeSlack;
  return ahead <= 0s || ahead > longest_wait;
}

IoResult<void> QueueStore::activate(std::string_view from, const QueueId& id) const {
  return layout_.move(*files_, from, queue::kActive, id);
}

IoResult<std::unique_ptr<queuefile::File>> QueueStore::open_active(const QueueId& id,
                                                                   queuefile::OpenFor use) const {
  return files_->open(layout_.path(queue::kActive, id), use);
}

bool QueueStore::is_being_delivered(const QueueId& id) const {
  const auto file = open_active(id, queuefile::OpenFor::reading);
  if (!file) return false;
  const auto locked = (*file)->try_lock();
  return !locked && (locked.error() == EWOULDBLOCK || locked.error() == EAGAIN);
}

IoResult<void> QueueStore::clear_flush_request(const QueueId& id, mode_t mode) const {
  return files_->set_mode(layout_.path(queue::kActive, id), mode & ~mode_t{0040} & 07777);
}

IoResult<void> QueueStore::move_at(std::string_view to, const QueueId& id, Time not_before) const {
  if (auto timed = files_->set_times(layout_.path(queue::kActive, id), whole_seconds(not_before)); !timed) {
    return timed;
  }
  return layout_.move(*files_, queue::kActive, to, id);
}

IoResult<void> QueueStore::defer(const QueueId& id, Time not_before) const {
  return move_at(queue::kDeferred, id, not_before);
}

IoResult<void> QueueStore::back_to_incoming(const QueueId& id, Time not_before) const {
  return move_at(queue::kIncoming, id, not_before);
}

IoResult<void> QueueStore::set_aside_corrupt(const QueueId& id) const {
  return layout_.move(*files_, queue::kActive, queue::kCorrupt, id);
}

IoResult<void> QueueStore::give_true_name(const QueueId& id, const QueueId& other) const {
  return queuefile::give_true_name(*files_, layout_, layout_.path(queue::kActive, id), other, clock_->now());
}

IoResult<void> QueueStore::remove(const QueueId& id, bool keeps_file) {
  const std::string path = layout_.path(queue::kActive, id);
  return keeps_file ? spares_.remove(*files_, path) : files_->remove(path);
}

void QueueStore::care_for_spares() {
  const auto paths = spares_.take_recent();
  if (!paths.empty()) runtime::offload([&] { queuefile::write_back(*files_, paths); });
  spares_.trim(*files_);  // after that: a removal may be undone by a power cut
}

QueueStore::Log QueueStore::log_of(std::string_view queue, const QueueId& id) const {
  const auto status = files_->status(layout_.path(queue, id));
  if (!status) return Log::none;
  return status->size > 0 ? Log::filled : Log::empty;
}

void QueueStore::remove_log(std::string_view queue, const QueueId& id) const {
  // Most messages have none; a log that stays is overwritten or removed with the next attempt.
  (void)files_->remove(layout_.path(queue, id));
}

}  // namespace posthouse::qmgr
