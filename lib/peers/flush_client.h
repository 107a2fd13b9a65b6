// Talks to the flush service. Functions may wait; a service that does not answer is a Failure (4.3.0).
#pragma once

#include <string>

#include "lib/ipc/client.h"
#include "lib/ipc/messages/flush.h"
#include "lib/peers/services.h"

namespace posthouse::peers {

class FlushClient {
 public:
  explicit FlushClient(const Services& services)
      : services_(services), client_(services.flush, services.keeping) {}

  // Mail for the site was deferred. Only for sites in fast_flush_domains; others are answered `denied`.
  Result<ipc::FlushStatus> add(const std::string& site, const std::string& queue_id);
  // Deliver now what waits for the site (ETRN).
  Result<ipc::FlushStatus> flush_site(const std::string& site);
  Result<ipc::FlushStatus> flush_message(const std::string& queue_id);

 private:
  Services services_;
  ipc::Client client_;
};

}  // namespace posthouse::peers
