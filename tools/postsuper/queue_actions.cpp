#include "tools/postsuper/queue_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/base/failure.h"

namespace posthouse::postsuper {

namespace {

namespace queue = queuefile::queue;
using queuefile::QueueId;
using queuefile::QueueScan;

constexpr auto kPurgeAge = std::chrono::hours(24 * 7);
constexpr std::string_view kRenameSuffix = "#FIX";
constexpr mode_t kForceExpire = 0010;  // group execute

constexpr std::string_view kMessageQueues[] = {queue::kMaildrop, queue::kIncoming, queue::kActive,
                                               queue::kDeferred, queue::kHold};
constexpr std::string_view kLogQueues[] = {queue::kTrace, queue::kDefer, queue::kBounce};

bool is_in(const auto& list, std::string_view name) {
  return std::ranges::find(list, name) != std::end(list);
}

}  // namespace

bool is_message_queue(std::string_view queue_name) {
  return is_in(kMessageQueues, queue_name);
}

bool is_log_queue(std::string_view queue_name) {
  return is_in(kLogQueues, queue_name);
}

void QueueActions::perform(Action action, const QueueId& id, const std::vector<std::string>& queues) {
  // Again, because the queue manager may move the message from a queue not yet looked at to one that was.
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (const auto& queue_name : queues) {
      if (!act(action, id, queue_name)) continue;
      constexpr std::string_view kDone[] = {"removed", "requeued", "placed on hold", "released from hold",
                                            "expired", "expired"};
      reports_.info(fmt::format("{}: {}", id.text(), kDone[static_cast<std::size_t>(action)]));
      return;
    }
  }
}

void QueueActions::perform_on_all(Action action, const std::vector<std::string>& queues) {
  for (const auto& queue_name : queues) {
    std::vector<QueueId> ids;
    QueueScan scan(queue_name);
    while (auto id = scan.next()) ids.push_back(std::move(*id));
    for (const auto& id : ids) act(action, id, queue_name);
  }
}

bool QueueActions::act(Action action, const QueueId& id, const std::string& queue_name) {
  const auto status = files_.status(layout_.path(queue_name, id));
  if (!status || !status->is_regular()) return false;
  // What is still being written is left alone, except by those who want it gone.
  if (action != Action::remove && !status->is_ready()) return false;
  switch (action) {
    case Action::remove:
      return remove(id, queue_name) && ++counts_.removed;
    case Action::requeue:
      return move(id, queue_name, queue::kMaildrop) && ++counts_.requeued;
    case Action::hold:
      return queue_name != queue::kHold && move(id, queue_name, queue::kHold) && ++counts_.held;
    case Action::release:
      return queue_name == queue::kHold && move(id, queue_name, queue::kDeferred) && ++counts_.released;
    case Action::expire:
      return expire(id, queue_name) && ++counts_.expired;
    case Action::expire_and_release:
      if (!expire(id, queue_name)) return false;
      ++counts_.expired;
      if (queue_name == queue::kHold && move(id, queue_name, queue::kDeferred)) ++counts_.released;
      return true;
  }
  return false;
}

bool QueueActions::remove(const QueueId& id, const std::string& queue_name) {
  // Logs first: a message without its logs is only sent again, logs without a message would be taken
  // for those of the next one with this id.
  for (auto log : kLogQueues) {
    const auto path = layout_.path(log, id);
    if (auto removed = files_.remove(path); !removed && removed.error() != ENOENT)
      reports_.warning(fmt::format("remove {}: {}", path, error_text(removed.error())));
  }
  const auto path = layout_.path(queue_name, id);
  const auto removed = files_.remove(path);
  if (!removed && removed.error() != ENOENT)
    reports_.warning(fmt::format("remove {}: {}", path, error_text(removed.error())));
  return removed.has_value();
}

bool QueueActions::move(const QueueId& id, const std::string& from, std::string_view to) {
  if (to == queue::kMaildrop) {
    if (auto set = files_.set_times(layout_.path(from, id), clock_.now()); !set) return false;
  }
  const auto moved = layout_.move(files_, from, to, id);
  if (!moved && moved.error() != ENOENT)
    reports_.warning(fmt::format("rename {} to {}: {}", layout_.path(from, id), layout_.path(to, id),
                                 error_text(moved.error())));
  return moved.has_value();
}

bool QueueActions::expire(const QueueId& id, const std::string& queue_name) {
  const auto path = layout_.path(queue_name, id);
  const auto status = files_.status(path);
  if (!status) return false;
  return files_.set_mode(path, status->permissions() | kForceExpire).has_value();
}

void QueueActions::fix_structure(const std::vector<std::string>& queues) {
  for (const auto& queue_name : queues) {
    std::vector<QueueScan::Entry> entries;
    QueueScan scan(queue_name);
    while (auto entry = scan.next_entry()) {
      if (!is_in_place(queue_name, *entry)) entries.push_back(std::move(*entry));
    }
    for (const auto& entry : entries) check_place(queue_name, entry.directory, entry.name);
  }
  finish_renames();
}

// True for nearly all, without a look at the file: a start must not take longer because the queue is long.
bool QueueActions::is_in_place(const std::string& queue_name, const QueueScan::Entry& entry) const {
  if (!entry.is_known_regular) return false;
  const auto id = QueueId::parse(entry.name);
  if (!id) return false;
  const auto inode = id->inode();
  const bool is_named_by_inode = is_message_queue(queue_name) && queue_name != queue::kMaildrop;
  if (is_named_by_inode && inode && *inode != entry.inode) return false;
  return layout_.is_directory_of(entry.directory, queue_name, *id);
}

void QueueActions::check_place(const std::string& queue_name, const std::string& directory,
                               const std::string& name) {
  const std::string path = directory + "/" + name;
  const auto status = files_.status(path);
  if (!status || !status->is_regular()) return;
  const std::string_view text = name;
  const bool is_half_renamed = text.size() > kRenameSuffix.size() && text.ends_with(kRenameSuffix);
  const auto id = QueueId::parse(is_half_renamed ? text.substr(0, text.size() - kRenameSuffix.size()) : text);
  if (!id) {
    // Temporary names of files that are being created.
    if (text.find('.') == std::string_view::npos) reports_.warning(fmt::format("bogus file name: {}", path));
    return;
  }
  if (is_message_queue(queue_name) && queue_name != queue::kMaildrop) {
    const auto inode = id->inode();
    if (is_half_renamed || (inode && *inode != status->inode)) {
      const std::string temporary = is_half_renamed ? path : path + std::string(kRenameSuffix);
      if (!is_half_renamed && !files_.rename(path, temporary)) return;
      const QueueId target = id->with_inode(status->inode);
      renames_.push_back({queue_name, temporary, target});
      // Logs go with their message.
      for (auto log : kLogQueues) {
        if (target == *id) continue;
        const auto from = layout_.path(log, *id);
        if (!files_.status(from)) continue;
        (void)layout_.make_directories(files_, log, target);
        (void)files_.rename(from, layout_.path(log, target) + std::string(kRenameSuffix));
        renames_.push_back(
            {std::string(log), layout_.path(log, target) + std::string(kRenameSuffix), target});
      }
      return;
    }
  }
  const std::string wanted = layout_.path(queue_name, *id);
  if (wanted == path) return;
  (void)layout_.make_directories(files_, queue_name, *id);
  if (auto moved = files_.rename_new(path, wanted); moved) {
    ++counts_.moved;
  } else {
    reports_.warning(fmt::format("rename {} to {}: {}", path, wanted, error_text(moved.error())));
  }
}

void QueueActions::finish_renames() {
  for (const auto& [queue_name, temporary, target] : std::exchange(renames_, {})) {
    const std::string wanted = layout_.path(queue_name, target);
    (void)layout_.make_directories(files_, queue_name, target);
    if (auto renamed = files_.rename_new(temporary, wanted); !renamed) {
      reports_.warning(fmt::format("rename {} to {}: {}", temporary, wanted, error_text(renamed.error())));
    } else if (is_message_queue(queue_name)) {
      ++counts_.renamed;
    }
  }
}

void QueueActions::purge(const std::vector<std::string>& queues) {
  for (const auto& queue_name : queues) {
    if (!is_message_queue(queue_name)) continue;
    QueueScan scan(queue_name);
    while (auto entry = scan.next_entry()) {
      const auto status = files_.status(entry->path());
      if (!status || status->is_ready()) continue;
      if (status->is_regular() && clock_.now() - status->modified < kPurgeAge) continue;
      if (files_.remove(entry->path())) ++counts_.purged;
    }
  }
}

}  // namespace posthouse::postsuper
