#include "lib/peers/flush_client.h"

namespace posthouse::peers {

namespace {

constexpr std::chrono::seconds kTimeout{100};

template <class Query>
Result<ipc::FlushStatus> ask(ipc::Client& client, const Query& query) {
  const auto reply = client.ask<ipc::FlushReply>(query, deadline_after(kTimeout));
  if (!reply) return fail(reply.error());
  return reply->status;
}

}  // namespace

Result<ipc::FlushStatus> FlushClient::add(const std::string& site, const std::string& queue_id) {
  return ask(client_, ipc::FlushAdd{site, queue_id});
}

Result<ipc::FlushStatus> FlushClient::flush_site(const std::string& site) {
  return ask(client_, ipc::FlushSite{site});
}

Result<ipc::FlushStatus> FlushClient::flush_message(const std::string& queue_id) {
  return ask(client_, ipc::FlushMessage{queue_id});
}

}  // namespace posthouse::peers
