#include "lib/queuefile/marker.h"

#include "lib/queuefile/record.h"

namespace posthouse::queuefile {

Result<void> Marker::put(std::int64_t offset, char type) {
  if (auto done = file_->write_at({&type, 1}, offset); !done)
    return fail(Failure::system("mark queue file", done.error()));
  return {};
}

Result<void> Marker::recipient_done(std::int64_t offset) {
  return put(offset, static_cast<char>(RecordType::done));
}

Result<void> Marker::recipient_cancelled(std::int64_t offset) {
  return put(offset, static_cast<char>(RecordType::cancelled));
}

Result<void> Marker::trace_reported(std::int64_t trace_offset) {
  return put(trace_offset, static_cast<char>(RecordType::killed));
}

Result<void> Marker::warning_sent(std::int64_t warn_offset) {
  std::string record;
  append_record(record, RecordType::warn, padded_number(-1));
  if (auto done = file_->write_at(record, warn_offset); !done)
    return fail(Failure::system("mark queue file", done.error()));
  return {};
}

}  // namespace posthouse::queuefile
