// Hands mail of the mail system itself to cleanup; success means that it is safely in the queue.
#pragma once

#include <string>

#include "lib/base/failure.h"
#include "lib/ipc/client.h"
#include "lib/peers/services.h"

namespace posthouse::peers {

struct Outgoing {
  std::string sender;        // internal form, may be empty
  std::string recipient;     // internal form
  std::string content;       // without Received; LF line ends
  bool is_filtered = false;  // passes header and body checks and Milters
};

class Submission {
 public:
  Submission(const Services& services, std::string hostname, std::string mail_name)
      : hostname_(std::move(hostname)),
        mail_name_(std::move(mail_name)),
        services_(services),
        cleanup_(services.cleanup, services.keeping) {}
  // The queue id. May wait.
  Result<std::string> send(const Outgoing& mail);

 private:
  Result<std::string> converse(ipc::Connection& connection, const Outgoing& mail, Time now);

  std::string hostname_, mail_name_;
  Services services_;
  ipc::Pool cleanup_;
};

}  // namespace posthouse::peers
