// Decides for each recipient of a message where it goes: what the resolver said, unless a content filter,
// defer_transports or a broken address says otherwise.
//
// Pure: the resolver's answers are an argument. Recipients that cannot be routed go to the retry or error
// transport, whose next hop is the status code and text to log ("4.3.0 address resolver failure").
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/queuefile/envelope.h"
#include "qmgr/scheduler.h"

namespace posthouse::qmgr {

inline constexpr std::string_view kRetryTransport = "retry";
inline constexpr std::string_view kDiscardTransport = "discard";

struct RoutingRules {
  std::set<std::string> defer_transports;
  std::string error_transport = "error";
  std::string default_filter_nexthop;
  std::string double_bounce_sender = "double-bounce";
  std::string recipient_delimiter;
  bool owner_request_special = true;
  bool allow_min_user = false;
  // Do the concurrency limits of this transport count per recipient?
  std::function<bool(const std::string& transport)> is_per_recipient;
};

// "transport:nexthop" of a FILTER record; nothing for an empty one.
std::optional<Route> filter_route(std::string_view filter);

// The retry transport with the failure as its next hop.
Route retry_route(const Failure& reason);

class Router {
 public:
  explicit Router(RoutingRules rules) : rules_(std::move(rules)) {}

  // Must the resolver be asked for this message? Filtered mail goes to its filter unresolved.
  bool needs_resolver(const queuefile::Envelope& envelope) const;

  // `resolved` has one answer per recipient, or is empty when needs_resolver() said no.
  std::vector<RoutedRecipient> route(const queuefile::Envelope& envelope,
                                     std::vector<queuefile::Recipient> recipients,
                                     const std::vector<ipc::Resolved>& resolved) const;
  // All of them to one place: the resolver failed, or the message is expired by force.
  std::vector<RoutedRecipient> route_all(const Route& route,
                                         std::vector<queuefile::Recipient> recipients) const;

 private:
  Route error_route(std::string next_hop) const;
  Route route_of(const ipc::Resolved& resolved) const;
  Route filtered(const queuefile::Envelope& envelope, std::string_view address) const;
  std::string queue_name(const Route& route, std::string_view address) const;

  RoutingRules rules_;
};

}  // namespace posthouse::qmgr
