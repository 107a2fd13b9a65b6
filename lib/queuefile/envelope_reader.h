// Reads a queue file's envelope as the queue manager needs it: everything but recipients at
// once, recipients in batches, so that a message to 50,000 people needs memory for a batch.
//
// The first read() scans both segments for non-recipient records and keeps the first `limit`
// unfinished recipients; later calls continue where that batch ended. Finished, cancelled and
// killed records are skipped. Failure{bounce} means that the file is corrupt, with the text that
// is logged ("missing sender record"); Failure{defer} that it could not be read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/queuefile/envelope.h"
#include "lib/queuefile/record_reader.h"

namespace posthouse::queuefile {

class EnvelopeReader {
 public:
  explicit EnvelopeReader(File& file) : reader_(file) {}

  Result<Envelope> read();  // call once, first
  // Up to `limit` unfinished recipients; empty when there are no more.
  Result<std::vector<Recipient>> recipients(std::size_t limit);
  bool has_more() const { return !recipients_end_; }

  // Things that were ignored but should be logged as warnings, since the last call.
  std::vector<std::string> take_warnings();

 private:
  struct Pending {
    std::string original, dsn_original;
    unsigned notify = 0;
    bool has_notify = false;
  };
  Result<void> read_segment(Envelope& envelope, const RecordSet& allowed, RecordType last);
  void take(Envelope& envelope, const Record& record);
  void take_attribute(Envelope& envelope, const Record& record);
  void remember_recipients(const Record& record);
  void take_pending(const Record& record);
  Result<bool> next_recipient(std::vector<Recipient>& found);

  RecordReader reader_;
  std::int64_t recipients_at_ = 0;  // where the next batch starts; 0 = none seen
  bool seen_time_ = false, seen_sender_ = false;
  bool in_extracted_ = false;
  bool recipients_end_ = false;
  std::int64_t extracted_at_ = 0;
  Pending pending_;
  std::size_t attribute_count_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace posthouse::queuefile
