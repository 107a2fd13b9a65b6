// Walks all queues and gives their messages in batches, so that a queue of any size needs memory for one
// batch.
#pragma once

#include <deque>
#include <optional>

#include "lib/queuefile/queue_scan.h"
#include "showq/queue_entry.h"

namespace posthouse::showq {

class Listing {
 public:
  static constexpr std::size_t kBatchEntries = 200;
  static constexpr std::size_t kBatchRecipients = 2000;

  Listing(queuefile::FileSystem& files, const queuefile::Layout& layout) : reader_(files, layout) {}
  // Blocks. is_last in the batch that ends the listing.
  ipc::ShowqBatch next();

 private:
  std::optional<ipc::ShowqEntry> next_entry();

  EntryReader reader_;
  std::size_t queue_ = 0;
  std::optional<queuefile::QueueScan> scan_;
  std::optional<ipc::ShowqEntry> rest_;  // recipients of a large message that did not fit
};

}  // namespace posthouse::showq
