// What the envelope and extracted segments of a queue file say about a message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::queuefile {

struct Recipient {
  std::string address;       // internal form; may be empty
  std::string original;      // O record, empty when there is none
  std::string dsn_original;  // "rfc822;bob@orig.test"
  unsigned notify = 0;       // kNotify..., 0 = default
  std::int64_t offset = 0;   // of its R record: the handle for Marker
};

struct Envelope {
  SizeRecord size;
  Time arrival;  // T record
  Time created;  // create_time attribute, else arrival
  std::string sender;
  std::string full_name;
  std::string filter;    // transport:destination, the last one wins
  std::string redirect;  // the last one wins
  std::string verp;      // two delimiters
  std::string encoding;  // 7bit, 8bit
  std::string envelope_id;
  unsigned return_flags = 0;
  unsigned trace_flags = 0;
  std::int64_t warn_time = 0;     // 0: none; negative: sent already
  std::int64_t warn_offset = 0;   // of the W record, for Marker
  std::int64_t trace_offset = 0;  // of the trace_flags attribute, for Marker
  std::string return_receipt, errors_to;

  // All other attributes in the order read; names once, by the rule of that name.
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string_view attribute(std::string_view name) const;  // empty when absent

  bool has_mixed_recipients() const { return size.queue_flags & kMixedRecipients; }
};

}  // namespace posthouse::queuefile
