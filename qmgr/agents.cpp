#include "qmgr/agents.h"

#include "lib/log/log.h"

namespace posthouse::qmgr {
namespace {

using namespace std::chrono_literals;

// A slow SMTP server, with all its timeouts and recipients, may take this long (daemon_timeout).
constexpr auto kDeliveryTimeout = 18000s;
constexpr std::size_t kIdleConnections = 500;

bool is_plausible(const ipc::DeliveryReply& reply, const ipc::DeliveryRequest& request) {
  return reply.status != ipc::DeliveryReply::Status::tried ||
         reply.outcomes.size() == request.recipients.size();
}

}  // namespace

ipc::Pool& Agents::pool(const std::string& transport) {
  auto& slot = pools_[transport];
  if (!slot) slot = std::make_unique<ipc::Pool>("private/" + transport, keeping_, kIdleConnections);
  return *slot;
}

AgentAnswer Agents::unavailable(const Failure& failure) const {
  log::warning("{}", failure.text);
  return {.kind = AgentAnswer::Kind::unavailable, .reply = {}};
}

AgentAnswer Agents::deliver(const ipc::DeliveryRequest& request) {
  ipc::Pool& agents = pool(request.transport);
  for (int attempt = 1;; ++attempt) {
    auto connection = agents.begin(request, deadline_after(connect_timeout_));
    if (!connection) {
      // "connect to private/x: REASON"
      return unavailable({.text = "connect to transport " +
                                  connection.error().text.substr(
                                      connection.error().text.starts_with("connect to ") ? 11 : 0)});
    }
    auto reply = connection->expect<ipc::DeliveryReply>(deadline_after(kDeliveryTimeout));
    if (reply && is_plausible(*reply, request)) {
      agents.give_back(std::move(*connection));
      return {.kind = AgentAnswer::Kind::replied, .reply = std::move(*reply)};
    }
    const bool was_closed = !reply && connection->was_closed_by_peer(reply.error());
    if (was_closed && attempt == 1) continue;
    if (!was_closed) log::warning("private/{} socket: malformed response", request.transport);
    log::warning(
        "transport {} failure -- see a previous warning/fatal/panic logfile record for the problem "
        "description",
        request.transport);
    return {.kind = AgentAnswer::Kind::broken, .reply = {}};
  }
}

}  // namespace posthouse::qmgr
