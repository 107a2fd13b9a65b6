// Asks the verify service about addresses, and tells it what a delivery attempt has shown.
//
// One per process, shared by its sessions. query() answers from the cache at once; a first answer may be
// in_progress: ask again after a pause. Functions may wait, at most until the deadline.
#pragma once

#include <string>
#include <string_view>

#include "lib/ipc/client.h"
#include "lib/ipc/messages/verify.h"
#include "lib/peers/services.h"

namespace posthouse::peers {

class VerifyClient {
 public:
  explicit VerifyClient(const Services& services) : client_(services.verify, services.keeping) {}

  // `address` complete and in internal form. Failure: the service cannot be asked (a temporary error).
  Result<ipc::VerifyReply> query(std::string_view address, Deadline deadline);
  // Of a probe, for the final address and, if it differs, for the one that was asked for.
  Result<void> update(std::string_view address, std::string_view original, ipc::VerifyStatus status,
                      std::string_view text, Deadline deadline);

 private:
  ipc::Client client_;
};

}  // namespace posthouse::peers
