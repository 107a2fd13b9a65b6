#include "lib/peers/flush_client.h"

namespace posthouse::peers {

namespace {

constexpr std::chrono::seconds kTimeout{100};

template <class Query>
Result<ipc::FlushStatus> ask(ipc::Client& client, const Query& query, Deadline deadline) {
  const auto reply = client.ask<ipc::FlushReply>(query, deadline);
  if (!reply) return fail(reply.error());
  return reply->status;
}

}  // namespace

Result<ipc::FlushStatus> FlushClient::add(const std::string& site, const std::string& queue_id) {
  return ask(client_, ipc::FlushAdd{site, queue_id}, services_.deadline(kTimeout));
}

Result<ipc::FlushStatus> FlushClient::flush_site(const std::string& site) {
  return ask(client_, ipc::FlushSite{site}, services_.deadline(kTimeout));
}

Result<ipc::FlushStatus> FlushClient::flush_message(const std::string& queue_id) {
  return ask(client_, ipc::FlushMessage{queue_id}, services_.deadline(kTimeout));
}

}  // namespace posthouse::peers
