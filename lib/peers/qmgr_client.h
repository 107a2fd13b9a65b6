// Tells the queue manager of new mail, or asks it to look at its queues. Nothing is answered; a queue manager
// that does not listen loses nothing: it scans its queues when it starts.
//
// arrived() and trigger() are for daemons and may wait (a short time); commands have no event loop
// and call trigger_blocking(). Trigger bytes: I scan incoming, D scan deferred, A ignore time stamps in that
// scan, F forget dead destinations, W wakeup. A service may also be a FIFO: it is told to scan its incoming
// queue instead of the names of new messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.h"
#include "lib/ipc/connection.h"

namespace posthouse::peers {

class QmgrClient {
 public:
  explicit QmgrClient(std::string path, Duration timeout = std::chrono::seconds(10))
      : path_(std::move(path)), timeout_(timeout) {}

  // A complete message stands in incoming/. One fiber at a time.
  Result<void> arrived(const std::string& queue_id) { return arrived(std::vector{queue_id}); }
  Result<void> arrived(const std::vector<std::string>& queue_ids);  // in one write
  Result<void> trigger(std::string_view bytes) const;

  // Gives up after `timeout`. The path is taken as it is.
  static Result<void> trigger_blocking(const std::string& socket_path, std::string_view bytes,
                                       std::chrono::milliseconds timeout);

 private:
  std::string path_;
  Duration timeout_;
  std::optional<ipc::Connection> connection_;
};

}  // namespace posthouse::peers
