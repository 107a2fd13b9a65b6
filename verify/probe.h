// Sends a probe: an empty message with trace flag 256 through cleanup and the queue, so that it takes the way
// of real mail. Delivery agents stop before DATA and tell the verify service the outcome.
#pragma once

#include <string>

#include "lib/base/failure.h"
#include "lib/ipc/client.h"
#include "lib/peers/services.h"

namespace posthouse::verify {

class ProbeSender {
 public:
  explicit ProbeSender(const peers::Services& services)
      : services_(services), cleanup_(services.cleanup, services.keeping) {}
  // May wait. Success: the probe is in the queue.
  Result<void> send(const std::string& sender, const std::string& recipient);

 private:
  Result<void> converse(ipc::Connection& connection, const std::string& recipient);
  const peers::Services services_;
  ipc::Pool cleanup_;
};

}  // namespace posthouse::verify
