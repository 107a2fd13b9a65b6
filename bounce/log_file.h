// The log file of one message: bounce/ID, defer/ID, trace/ID below the queue directory.
//
// All calls block (locks, fsync) and belong in runtime::offload. One writer at a time, by flock; an entry is
// appended completely and durably, or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/bouncelog/log_entry.h"
#include "lib/queuefile/layout.h"

namespace posthouse::bounce {

using bouncelog::LogKind;

class LogFile {
 public:
  LogFile(const queuefile::Layout& layout, LogKind kind, const queuefile::QueueId& id);

  Result<void> append_blocking(std::string_view entries) const;
  // The whole text; nothing when there is no log. At most kSizeLimit bytes are read.
  Result<std::optional<std::string>> read_blocking() const;
  Result<void> remove_blocking() const;  // no log is success
  const std::string& path() const { return path_; }

  static constexpr std::size_t kSizeLimit = 256 * 1024 * 1024;

 private:
  std::string path_;
};

}  // namespace posthouse::bounce
