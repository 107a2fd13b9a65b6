// The daemons that cleanup talks to, as an argument: the service gives the real ones, tests give
// fakes. All calls may wait.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/queuefile/queue_id.h"

namespace posthouse::cleanup {

class Neighbours {
 public:
  virtual ~Neighbours() = default;
  // trivial-rewrite; as many addresses back, in the same order. Internal form.
  virtual Result<std::vector<std::string>> rewrite(std::string_view context,
                                                   std::vector<std::string> addresses) = 0;
  // Tells the queue manager; lost notices do not matter.
  virtual void arrived(const queuefile::QueueId& id) = 0;
  virtual bool append_trace(const ipc::BounceAppend& entry) = 0;
  // Tells the verify service that the address is deliverable.
  virtual void verified(const std::string& address, const std::string& original, std::string_view text) = 0;
  virtual bool bounce(const ipc::BounceOne& notice) = 0;
};

}  // namespace posthouse::cleanup
