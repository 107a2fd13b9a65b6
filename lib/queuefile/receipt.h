// Proof that a message is on disk, file and name: the only thing a success reply may be made
// from. Only Writer::commit_blocking() makes one.
#pragma once

#include <cstdint>

#include "lib/queuefile/queue_id.h"

namespace posthouse::queuefile {

class Receipt {
 public:
  const QueueId& queue_id() const { return queue_id_; }
  std::int64_t message_size() const { return message_size_; }

 private:
  friend class Writer;
  Receipt(QueueId id, std::int64_t size) : queue_id_(std::move(id)), message_size_(size) {}
  QueueId queue_id_;
  std::int64_t message_size_ = 0;
};

}  // namespace posthouse::queuefile
