#include "smtpd/client_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/log/log.h"
#include "lib/table/network.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {

ClientLimits::Visit::Visit(ClientLimits& limits, const std::string& network) : limits_(limits) {
  if (limits.usages_.size() >= limits.purge_at_) limits.forget_idle(std::chrono::steady_clock::now());
  usage_ = limits.usages_.try_emplace(network).first;
  ++usage_->second.connections;
}

ClientLimits::Visit::~Visit() {
  if (--usage_->second.connections == 0 && !limits_.counts_events_) limits_.usages_.erase(usage_);
}

int ClientLimits::Visit::connections() const {
  return usage_->second.connections;
}

int ClientLimits::Visit::count(ClientEvent event, Deadline now) {
  Usage& usage = usage_->second;
  if (limits_.is_over(usage, now)) {
    usage.begin = now;
    usage.events = {};
  }
  return ++usage.events[static_cast<std::size_t>(event)];
}

void ClientLimits::forget_idle(Deadline now) {
  std::erase_if(usages_, [&](const auto& entry) {
    return entry.second.connections == 0 && is_over(entry.second, now);
  });
  if (usages_.size() > kIdleLimit)
    std::erase_if(usages_, [](const auto& entry) { return entry.second.connections == 0; });
  purge_at_ = std::max<std::size_t>(1000, 2 * usages_.size());
}

std::string network_of(const Client& client) {
  if (!client.is_ipv6()) return client.address;
  auto address = table::parse_ip(client.address);
  if (!address) return client.address;
  std::fill(address->bytes.begin() + 8, address->bytes.end(), static_cast<unsigned char>(0));
  return table::to_text(*address);
}

namespace {

int rate_limit(const Params& params, ClientEvent event) {
  if (event == ClientEvent::connection) return params.connection_rate_limit();
  return event == ClientEvent::message ? params.message_rate_limit() : params.recipient_rate_limit();
}

bool is_exempt(const Session& session) {
  const Settings& settings = session.settings();
  const Client& client = session.client;
  return settings.may_use(settings.xclient_hosts, client).value_or(false) ||
         settings.event_limit_exceptions.matches(client.name, client.address).value_or(false);
}

void warn(const Session& session, std::string_view what, int count) {
  log::warning("{} limit exceeded: {} from {} for service {}", what, count, session.client.label(),
               session.settings().service_name);
}

Reply too_many_connections(const Session& session) {
  return {fmt::format("421 4.7.0 {} Error: too many connections from {}", session.myhostname(),
                      session.client.address),
          trouble::kNone};
}

}  // namespace

std::optional<Reply> limit_connections(Session& session) {
  if (session.limits == nullptr) return std::nullopt;
  session.visit.emplace(*session.limits, network_of(session.client));
  const int limit = session.params().connection_count_limit();
  const int connections = session.visit->connections();
  if (limit > 0 && connections > limit && !is_exempt(session)) {
    warn(session, "Connection concurrency", connections);
    return too_many_connections(session);
  }
  return limit_rate(session, ClientEvent::connection);
}

std::optional<Reply> limit_rate(Session& session, ClientEvent event) {
  const int limit = rate_limit(session.params(), event);
  if (limit == 0 || !session.visit) return std::nullopt;
  const int count = session.visit->count(event);
  if (count <= limit || is_exempt(session)) return std::nullopt;
  if (event == ClientEvent::connection) {
    warn(session, "Connection rate", count);
    return too_many_connections(session);
  }
  const bool is_message = event == ClientEvent::message;
  warn(session, is_message ? "Message delivery request rate" : "Recipient address rate", count);
  return Reply{fmt::format("450 4.7.1 Error: too {} from {}", is_message ? "much mail" : "many recipients",
                           session.client.address),
               trouble::kPolicy};
}

}  // namespace posthouse::smtpd
