// Lets another transport of this mail system deliver recipients of a request.
//
// The other agent logs, marks and records; here only its verdicts are taken over. One Passer per process;
// many fibers may pass at once.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/delivery/agent.h"
#include "lib/ipc/client.h"

namespace posthouse::delivery {

class Passer {
 public:
  explicit Passer(const peers::Services& services) : services_(services) {}
  // `destination`: "transport" (the next hop stays) or "transport:nexthop". `relay` is who says so when the
  // transport cannot be reached. `address` replaces that of the recipients, unless empty. May wait for as
  // long as a delivery takes.
  void pass(Attempt& attempt, std::span<const std::size_t> recipients, std::string_view destination,
            const Relay& relay, std::string_view address = {});

 private:
  Result<ipc::DeliveryReply> ask(const ipc::DeliveryRequest& request);
  ipc::Pool& pool(const std::string& transport);

  const peers::Services services_;
  std::map<std::string, std::unique_ptr<ipc::Pool>> agents_;
};

}  // namespace posthouse::delivery
