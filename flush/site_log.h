// Which deferred messages wait for a site: flush/SITE, one queue id a line.
//
// All calls block. One at a time per file, by flock. Paths are relative to the queue directory.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/queuefile/layout.h"

namespace posthouse::flush {

// "Defer.test" -> "defer_test"; empty for an empty site.
std::string log_name(std::string_view site);

// The distinct queue ids of a log's text, in order; other lines are counted.
struct LoggedIds {
  std::vector<queuefile::QueueId> ids;
  std::size_t malformed = 0;
};
LoggedIds parse_site_log(std::string_view text);

class SiteLogs {
 public:
  SiteLogs(queuefile::FileSystem& files, const queuefile::Layout& layout, std::string folder = "flush")
      : files_(files), layout_(layout), folder_(std::move(folder)) {}

  Result<void> add_blocking(std::string_view site, const queuefile::QueueId& id) const;
  // Moves the waiting messages to incoming and empties the list. How many were moved.
  Result<std::size_t> flush_blocking(const std::string& log, Time now) const;
  // One message, whichever list it is on. False when it does not wait.
  bool flush_message_blocking(const queuefile::QueueId& id, Time now) const;

  struct Limits {
    std::chrono::seconds purge, refresh;
  };
  // Removes empty lists not changed for `purge`, flushes others not read for `refresh`. How many messages
  // were moved.
  std::size_t tidy_blocking(const Limits& limits, Time now) const;

 private:
  bool move_to_incoming(const queuefile::QueueId& id, Time now) const;
  std::string path(const std::string& log) const { return folder_ + "/" + log; }

  queuefile::FileSystem& files_;
  const queuefile::Layout& layout_;
  std::string folder_;
};

}  // namespace posthouse::flush
