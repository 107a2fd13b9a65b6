// Checks a message that a local user submits, record by record, and writes what is allowed.
//
// The input is an attacker's: only the record types of the segment, only the attributes on a short
// list with sensible values, no line breaks or NUL in the envelope. The arrival time is ours. A
// violation is Failure{bounce} with the text for the log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/queuefile/record.h"
#include "lib/queuefile/writer.h"

namespace posthouse::postdrop {

class Submission {
 public:
  // May the caller use this address (internal form) as the sender?
  using CheckSender = std::function<Result<void>(std::string_view sender)>;
  // message_size_limit: of the whole file in bytes, 0 = none.
  Submission(queuefile::Writer& writer, Time now, std::int64_t message_size_limit,
             std::string_view verp_delimiter_filter, CheckSender check_sender);

  // Input as it comes, in pieces of any size. True once the end record has been seen; what follows
  // it is ignored.
  Result<bool> append(std::string_view bytes);
  bool is_complete() const { return segment_ == Segment::finished; }

 private:
  enum class Segment : unsigned char { envelope, content, extracted, finished };
  Result<void> take(const queuefile::Decoded& record);
  Result<void> take_envelope(const queuefile::Decoded& record);
  Result<void> take_attribute(std::string_view data);
  Result<void> take_address(const queuefile::Decoded& record);
  Result<void> unexpected(queuefile::RecordType type) const;

  queuefile::Writer& writer_;
  std::int64_t limit_;
  std::string verp_delimiter_filter_;
  CheckSender check_sender_;
  Segment segment_ = Segment::envelope;
  bool has_sender_ = false;
  std::string pending_;  // start of a record that is not complete yet
};

}  // namespace posthouse::postdrop
