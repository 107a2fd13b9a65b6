#include "showq/listing.h"

#include <algorithm>
#include <array>
#include <utility>

namespace posthouse::showq {

namespace {

using namespace queuefile;
constexpr std::array kQueues{queue::kMaildrop, queue::kActive, queue::kIncoming, queue::kDeferred,
                             queue::kHold};

// Keeps `room` recipients; the others make an entry of their own.
std::optional<ipc::ShowqEntry> cut(ipc::ShowqEntry& entry, std::size_t room) {
  if (entry.recipients.size() <= room) return std::nullopt;
  ipc::ShowqEntry rest;
  const auto middle = entry.recipients.begin() + static_cast<std::ptrdiff_t>(room);
  rest.recipients.assign(std::make_move_iterator(middle), std::make_move_iterator(entry.recipients.end()));
  entry.recipients.erase(middle, entry.recipients.end());
  entry.is_continued = true;
  return rest;
}

}  // namespace

std::optional<ipc::ShowqEntry> Listing::next_entry() {
  while (queue_ < kQueues.size()) {
    if (!scan_) scan_.emplace(std::string(kQueues[queue_]));
    while (const auto found = scan_->next_entry()) {
      if (auto entry = reader_.read(kQueues[queue_], found->path(), found->name)) return entry;
    }
    scan_.reset();
    ++queue_;
  }
  return std::nullopt;
}

ipc::ShowqBatch Listing::next() {
  ipc::ShowqBatch batch;
  std::size_t room = kBatchRecipients;
  while (batch.entries.size() < kBatchEntries && room > 0) {
    std::optional<ipc::ShowqEntry> entry = rest_ ? std::exchange(rest_, std::nullopt) : next_entry();
    if (!entry) {
      batch.is_last = true;
      return batch;
    }
    rest_ = cut(*entry, room);
    room -= std::min(room, entry->recipients.size() + 1);
    batch.entries.push_back(std::move(*entry));
  }
  return batch;
}

}  // namespace posthouse::showq
