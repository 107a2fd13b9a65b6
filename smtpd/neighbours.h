// The daemons and name servers that smtpd asks, as an argument: the service gives the real ones, tests give
// fakes. All calls may wait.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/dns/resolver.h"
#include "lib/ipc/connection.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/ipc/messages/verify.h"
#include "lib/peers/submission.h"

namespace posthouse::smtpd {

class Handover;

class Neighbours {
 public:
  virtual ~Neighbours() = default;
  // The address completed as local mail (trivial-rewrite), then resolved. Internal form.
  virtual Result<ipc::Resolved> resolve(std::string_view sender, std::string_view address) = 0;
  virtual Result<ipc::VerifyReply> verify(std::string_view address) = 0;
  // Asks for delivery of the mail that waits for a site; false if the service says no.
  virtual Result<bool> flush_site(std::string_view domain) = 0;
  // A connection to cleanup for one message; given back when the message is done.
  virtual Result<ipc::Connection> take_cleanup(Deadline deadline) = 0;
  virtual void give_back_cleanup(ipc::Connection connection) = 0;
  // Begins a message: in cleanup, unless a derived class knows another way. A failure is for the client: 4xx.
  virtual Result<std::unique_ptr<Handover>> open_message(const ipc::CleanupOpen& message, Deadline deadline);
  // Mail of the mail system itself; its queue id.
  virtual Result<std::string> submit(const peers::Outgoing& mail) = 0;
  virtual dns::Lookups& dns() = 0;
};

}  // namespace posthouse::smtpd
