#include "lib/peers/verify_client.h"

namespace posthouse::peers {

Result<ipc::VerifyReply> VerifyClient::query(std::string_view address, Deadline deadline) {
  return client_.ask<ipc::VerifyReply>(ipc::VerifyQuery{std::string(address)}, deadline);
}

Result<void> VerifyClient::update(std::string_view address, std::string_view original,
                                  ipc::VerifyStatus status, std::string_view text, Deadline deadline) {
  const bool differs = !original.empty() && original != address;
  for (std::string_view one : {address, differs ? original : std::string_view()}) {
    if (one.empty()) continue;
    auto reply = client_.ask<ipc::VerifyUpdated>(
        ipc::VerifyUpdate{std::string(one), status, std::string(text)}, deadline);
    if (!reply) return fail(std::move(reply.error()));
    if (!reply->ok) return fail(Failure::deferred("4.3.0", "the verify service cannot write its cache"));
  }
  return {};
}

}  // namespace posthouse::peers
