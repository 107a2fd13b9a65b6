// Changes that are made in place to a finished queue file: one write each, no length changes.
//
// The caller holds the exclusive lock of the file (File::try_lock). Offsets come from Envelope
// and Recipient. Nothing is synced: after a power cut a recipient may be tried again, never lost.
#pragma once

#include <cstdint>

#include "lib/base/failure.h"
#include "lib/queuefile/file_system.h"

namespace posthouse::queuefile {

class Marker {
 public:
  explicit Marker(File& file) : file_(&file) {}
  Result<void> recipient_done(std::int64_t offset);        // R -> D
  Result<void> recipient_cancelled(std::int64_t offset);   // R -> /
  Result<void> warning_sent(std::int64_t warn_offset);     // W -1
  Result<void> trace_reported(std::int64_t trace_offset);  // A -> K

 private:
  Result<void> put(std::int64_t offset, char type);
  File* file_;
};

}  // namespace posthouse::queuefile
