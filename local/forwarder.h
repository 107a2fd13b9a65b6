// Hands a message back to cleanup for other recipients: the targets of an alias or a .forward file.
//
// The new message has the old content below a Received header and a Delivered-To header with the address that
// was expanded, which is how a loop is recognised. When forward() returns an id the message is safely queued.
#pragma once

#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/delivery/agent.h"
#include "lib/ipc/client.h"

namespace posthouse::local {

struct Forwarding {
  std::string sender;  // internal form
  const ipc::DeliveryRecipient& expanded;
  std::vector<std::string> addresses;
  bool is_list = false;  // with an owner, who has no use for the address that the sender wrote
};

class Forwarder {
 public:
  Forwarder(const peers::Services& services, std::string host, std::string mail_name)
      : host_(std::move(host)),
        mail_name_(std::move(mail_name)),
        services_(services),
        cleanup_(services.cleanup, services.keeping) {}

  Result<std::string> forward(const delivery::Attempt& attempt, const Forwarding& forwarding);  // may wait

 private:
  Result<ipc::Connection> begin(const ipc::CleanupOpen& open, std::string& queue_id);
  ipc::CleanupOpen open_of(const ipc::DeliveryRequest& request, const Forwarding& forwarding) const;
  Result<void> send_content(const delivery::Attempt& attempt, ipc::Connection& cleanup,
                            std::string head) const;

  std::string host_, mail_name_;
  const peers::Services services_;
  ipc::Pool cleanup_;
};

}  // namespace posthouse::local
