#include "qmgr/feeder.h"

#include <algorithm>

#include "lib/log/log.h"
#include "lib/queuefile/queue_scan.h"

namespace posthouse::qmgr {
namespace {

namespace queue = queuefile::queue;

// Entries looked at before other fibers have their turn.
constexpr int kEntriesPerTurn = 20;
// A long scan of deferred mail leaves half of the processor to new mail.
constexpr int kEntriesPerRest = 1000;
constexpr auto kRest = std::chrono::milliseconds(2);

}  // namespace

void Feeder::Scan::want() {
  is_wanted = true;
  wanted.notify_all();
}

bool Feeder::Scan::take() {
  return std::exchange(is_wanted, false);
}

void Feeder::start() {
  incoming_scanner_ = runtime::spawn([this] { scan_incoming(); });
  deferred_scanner_ = runtime::spawn([this] { scan_deferred(); });
}

void Feeder::stop() {
  incoming_scanner_.cancel();
  deferred_scanner_.cancel();
  while (incoming_scanner_.is_running() || deferred_scanner_.is_running()) runtime::yield();
}

void Feeder::arrived(const QueueId& id) {
  if (active_.size() >= active_.limits().messages) {
    incoming_.want();  // the scan waits for room and finds it
    return;
  }
  spawn_open(queue::kIncoming, id, ActiveQueue::Source::arrival);
}

void Feeder::spawn_open(std::string_view from, const QueueId& id, ActiveQueue::Source source) {
  if (openers_.acquire(kNever) != runtime::Wake::ready) return;
  runtime::spawn([this, from, id, source] {
    active_.open(from, id, source);
    openers_.release();
  });
}

void Feeder::open_later(const QueueId& id, std::chrono::seconds delay) {
  runtime::spawn([this, id, delay] {
    if (runtime::sleep_for(delay) == runtime::Wake::cancelled) return;
    active_.open(queue::kIncoming, id, ActiveQueue::Source::retry);
  });
}

void Feeder::trigger(std::string_view bytes) {
  const auto has = [bytes](char one) { return bytes.find(one) != std::string_view::npos; };
  if (has('A')) deferred_.ignores_time = true;
  if (has('F')) active_.forget_dead();
  if (has('D')) deferred_.want();
  if (has('I') || has('W')) incoming_.want();
}

void Feeder::scan_incoming() {
  for (auto source = ActiveQueue::Source::left_over;; source = ActiveQueue::Source::scan) {
    while (!incoming_.is_wanted) {
      if (incoming_.wanted.wait(kNever) == runtime::Wake::cancelled) return;
    }
    incoming_.take();
    scan(queue::kIncoming, false, source);
  }
}

void Feeder::scan_deferred() {
  for (;;) {
    const Deadline next = deadline_after(queue_run_delay_);
    if (deferred_.take())
      scan(queue::kDeferred, std::exchange(deferred_.ignores_time, false), ActiveQueue::Source::retry);
    while (!deferred_.is_wanted) {
      const runtime::Wake wake = deferred_.wanted.wait(next);
      if (wake == runtime::Wake::cancelled) return;
      if (wake == runtime::Wake::timeout) deferred_.is_wanted = true;
    }
  }
}

void Feeder::scan(std::string_view name, bool ignore_time, ActiveQueue::Source source) {
  queuefile::QueueScan entries{std::string(name)};
  int turn = 0;
  while (auto id = entries.next()) {
    if (++turn % kEntriesPerTurn == 0) runtime::yield();
    if (name == queue::kDeferred && turn % kEntriesPerRest == 0 &&
        runtime::sleep_for(kRest) == runtime::Wake::cancelled)
      return;
    if (runtime::is_cancelled()) return;
    const auto wait = ignore_time ? std::chrono::seconds(0) : active_.limits().longest_wait();
    if (active_.has(*id) || !active_.store().is_due(name, *id, wait)) continue;
    if (!active_.wait_for_room(limit_for(name))) return;
    spawn_open(name, *id, source);
  }
  if (auto failure = entries.take_failure()) log::warning(failure->text);
}

std::size_t Feeder::limit_for(std::string_view name) const {
  const std::size_t limit = active_.limits().messages;
  return name == queue::kDeferred ? std::max<std::size_t>(limit - limit / 5, 1) : limit;
}

std::size_t recover_active(const queuefile::Layout& layout, queuefile::FileSystem& files,
                           const Clock& clock) {
  queuefile::QueueScan entries{std::string(queue::kActive)};
  std::size_t count = 0;
  while (auto entry = entries.next_entry()) {
    const auto id = QueueId::parse(entry->name);
    if (!id) continue;
    // Finished, and about to become a spare file when we ended.
    if (const auto status = files.status(entry->path()); status && status->permissions() == 0600) {
      (void)files.remove(entry->path());
      continue;
    }
    (void)files.set_times(entry->path(), time_from_unix(unix_seconds(clock.now())));
    (void)layout.make_directories(files, queue::kIncoming, *id);
    if (auto moved = files.rename(entry->path(), layout.path(queue::kIncoming, *id)); !moved) {
      log::warning("rename {} to incoming: {}", entry->path(), error_text(moved.error()));
      continue;
    }
    ++count;
  }
  return count;
}

}  // namespace posthouse::qmgr
