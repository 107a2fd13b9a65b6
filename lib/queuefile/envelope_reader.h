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
  struct Pending {  // what stands before a recipient and applies to it alone
    std::string original, dsn_original;
    unsigned notify = 0;
  };
  Result<void> read_size(Envelope& envelope);
  Result<void> read_envelope(Envelope& envelope);
  Result<void> read_extracted(Envelope& envelope);
  void take(Envelope& envelope, const Record& record);
  void take_time(Envelope& envelope, const Record& record);
  void take_attribute(Envelope& envelope, const Record& record);
  void take_number(Envelope& envelope, std::string_view name, std::string_view value, std::int64_t offset);
  void take_pending(const Record& record);
  Result<std::optional<Record>> next_in_recipients();

  RecordReader reader_;
  bool seen_time_ = false, seen_sender_ = false, seen_created_ = false;
  bool in_extracted_ = false;
  bool recipients_end_ = true;  // until read()
  std::int64_t extracted_at_ = 0;
  Pending pending_;
  std::vector<std::string> warnings_;
};

}  // namespace posthouse::queuefile
