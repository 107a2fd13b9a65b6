#include "qmgr/router.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/mail/extension.h"
#include "lib/mail/quote.h"

namespace posthouse::qmgr {
namespace {

Recipient scheduled(queuefile::Recipient&& recipient) {
  return {.address = std::move(recipient.address),
          .original = std::move(recipient.original),
          .dsn_original = std::move(recipient.dsn_original),
          .notify = recipient.notify,
          .offset = static_cast<std::uint64_t>(recipient.offset)};
}

bool is_probe(const queuefile::Envelope& envelope) {
  return (envelope.trace_flags & (queuefile::kTraceSystemProbe | queuefile::kTraceUserProbe)) != 0;
}

}  // namespace

std::optional<Route> filter_route(std::string_view filter) {
  const std::size_t colon = filter.find(':');
  const std::string_view transport = filter.substr(0, colon);
  if (transport.empty()) return std::nullopt;
  const std::string_view next_hop = colon == std::string_view::npos ? "" : filter.substr(colon + 1);
  return Route{std::string(transport), std::string(next_hop), {}};
}

Route retry_route(const Failure& reason) {
  return {std::string(kRetryTransport), reason.dsn + " " + reason.text, {}};
}

Route Router::error_route(std::string next_hop) const {
  return {rules_.error_transport, std::move(next_hop), {}};
}

bool Router::needs_resolver(const queuefile::Envelope& envelope) const {
  // REDIRECT overrides FILTER.
  return is_probe(envelope) || !envelope.redirect.empty() || !filter_route(envelope.filter);
}

std::vector<RoutedRecipient> Router::route(const queuefile::Envelope& envelope,
                                           std::vector<queuefile::Recipient> recipients,
                                           const std::vector<ipc::Resolved>& resolved) const {
  std::vector<RoutedRecipient> routed;
  routed.reserve(recipients.size());
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    Recipient recipient = scheduled(std::move(recipients[i]));
    Route route;
    if (i < resolved.size()) {
      if (recipient.original.empty()) recipient.original = recipient.address;
      if (!resolved[i].recipient.empty()) recipient.address = resolved[i].recipient;
      route = route_of(resolved[i]);
    } else {
      route = filtered(envelope, recipient.address);
    }
    if (!rules_.allow_min_user && recipient.address.starts_with('-')) {
      route = error_route("5.1.3 bad address syntax");
    } else if (rules_.defer_transports.contains(route.transport)) {
      route = retry_route(Failure::deferred("4.3.2", "deferred transport"));
    }
    route.queue_name = queue_name(route, recipient.address);
    routed.push_back({std::move(route), std::move(recipient)});
  }
  return routed;
}

std::vector<RoutedRecipient> Router::route_all(const Route& route,
                                               std::vector<queuefile::Recipient> recipients) const {
  std::vector<RoutedRecipient> routed;
  routed.reserve(recipients.size());
  for (auto& recipient : recipients) routed.push_back({route, scheduled(std::move(recipient))});
  return routed;
}

Route Router::route_of(const ipc::Resolved& resolved) const {
  switch (resolved.status) {
    case ipc::Resolved::Status::bad_syntax:
      return error_route("5.1.3 " + (resolved.text.empty() ? "bad address syntax" : resolved.text));
    case ipc::Resolved::Status::temporary:
      return retry_route(
          Failure::deferred("4.3.0", resolved.text.empty() ? "address resolver failure" : resolved.text));
    case ipc::Resolved::Status::ok:
      break;
  }
  const mail::AddressParts parts = mail::split_address(resolved.recipient);
  if (resolved.address_class == ipc::AddressClass::local &&
      equal_ignoring_case(parts.local, rules_.double_bounce_sender)) {
    return {std::string(kDiscardTransport), "2.0.0 undeliverable postmaster notification discarded", {}};
  }
  return {resolved.transport, resolved.nexthop, {}};
}

Route Router::filtered(const queuefile::Envelope& envelope, std::string_view address) const {
  Route route = *filter_route(envelope.filter);
  if (route.next_hop.empty()) route.next_hop = rules_.default_filter_nexthop;
  if (route.next_hop.empty()) route.next_hop = lower(mail::split_address(address).domain);
  return route;
}

// One destination is a next hop, or one user there. Extensions of a local user make no other destination.
std::string Router::queue_name(const Route& route, std::string_view address) const {
  if (!rules_.is_per_recipient || !rules_.is_per_recipient(route.transport)) return {};
  std::string_view user = mail::split_address(address).local;
  if (route.transport == "local") {
    if (auto parts = mail::split_extension(user, rules_.recipient_delimiter, rules_.double_bounce_sender,
                                           rules_.owner_request_special)) {
      user = parts->user;
    }
  }
  return lower(user) + "@" + route.next_hop;
}

}  // namespace posthouse::qmgr
