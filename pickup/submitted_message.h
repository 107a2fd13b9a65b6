// Reads a maildrop file as what cleanup is told: an Open, recipients, content, more recipients.
//
// Two kinds: submitted by a local user (few record types, little is believed), and requeued by postsuper
// (a queue file of our own, whose attributes are kept but for what the new life starts afresh). Pure but
// for reads of the file. Failure{bounce}: the file is malformed; Failure{defer}: it could not be read.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/failure.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/queuefile/record_reader.h"

namespace posthouse::pickup {

class SubmittedMessage {
 public:
  SubmittedMessage(queuefile::File& file, bool is_requeued)
      : file_(file), reader_(file), is_requeued_(is_requeued) {}

  // The envelope, up to the content.
  Result<void> read_envelope();
  const ipc::CleanupOpen& open() const { return open_; }
  // Of the segment read last; moves them out.
  std::vector<ipc::CleanupRecipient> take_recipients() { return std::exchange(recipients_, {}); }
  // Where the content starts.
  std::int64_t content_offset() const { return reader_.position(); }
  // `offset`: behind the X record.
  Result<void> read_extracted(std::int64_t offset);

 private:
  Result<void> take(const queuefile::Record& record);
  void take_attribute(std::string_view data);
  void take_recipient(std::string_view address);
  Result<void> read_until(queuefile::RecordType last, const queuefile::RecordSet& allowed);

  queuefile::File& file_;
  queuefile::RecordReader reader_;
  bool is_requeued_;
  bool is_extracted_ = false, has_time_ = false, has_sender_ = false;
  ipc::CleanupOpen open_;
  ipc::CleanupRecipient pending_;
  std::vector<ipc::CleanupRecipient> recipients_;
};

}  // namespace posthouse::pickup
