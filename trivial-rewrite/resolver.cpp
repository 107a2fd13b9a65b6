#include "trivial-rewrite/resolver.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/mail/quote.h"

namespace posthouse::trivial_rewrite {

namespace {

using ipc::AddressClass;
using ipc::Resolved;
using Status = ipc::Resolved::Status;

constexpr auto kWildcardAge = std::chrono::seconds(30);
constexpr int kRouteLimit = 100;
constexpr std::size_t kNamesToCompare = 100'000;
constexpr std::size_t kNamesToAskServersFor = 1000;
constexpr std::size_t kDoublesToTell = 100;

constexpr table::AddressKeys kSenderKeys =
    table::AddressKeys::full | table::AddressKeys::without_extension | table::AddressKeys::at_domain;

Failure trouble() {
  return Failure::deferred("4.3.0", "address resolver failure");
}

struct TransportAndHop {
  std::string transport, nexthop;
};
TransportAndHop split_transport(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

bool has_operator(std::string_view local_part) {
  return local_part.find_first_of("@!%") != std::string_view::npos;
}

// The domain's syntax is that of a host name or of an address literal.
bool is_good_domain(std::string_view domain) {
  if (domain.starts_with('[')) return mail::is_address_literal(domain);
  return mail::is_valid_hostname(domain, true);
}

}  // namespace

Resolver::Resolver(ResolveRules rules, Rewriter rewriter, Domains domains, table::TableList relocated_maps,
                   const Clock& clock)
    : rules_(std::move(rules)),
      rewriter_(std::move(rewriter)),
      domains_(std::move(domains)),
      relocated_maps_(std::move(relocated_maps)),
      clock_(clock) {
  rules_.addresses.is_local_domain = [this](std::string_view domain) { return is_local(domain); };
}

Result<bool> Resolver::is_local(std::string_view domain) const {
  std::string literal;
  if (mail::is_address_literal(domain, &literal) && domains_.own.contains(literal)) return true;
  return domains_.local.matches(domain);
}

Resolved Resolver::resolve(const Routes& routes, std::string_view sender, std::string_view recipient) {
  Resolved out;
  auto fail_with = [&out](Status status, std::string text) {
    out.status = status;
    out.text = std::move(text);
    return out;
  };
  out.recipient = recipient;
  auto address = final_address(recipient, out);
  if (!address) return fail_with(Status::temporary, address.error().text);
  out.recipient = *address;
  const mail::AddressParts parts = mail::split_address(out.recipient);
  if (!is_good_domain(parts.domain)) return fail_with(Status::bad_syntax, "bad address syntax");
  const auto place = place_of(parts.domain);
  if (!place) return fail_with(Status::temporary, place.error().text);
  out.address_class = place->address_class;
  out.is_routed = has_operator(parts.local);
  auto route = route_of(routes, out.address_class, sender, parts.domain);
  if (route && out.address_class != AddressClass::virtual_alias) {
    auto done = apply_transport_maps(routes, out.recipient, parts.domain, *route);
    if (!done) return fail_with(Status::temporary, done.error().text);
  }
  if (route) {
    auto done = apply_relocated(out.recipient, *route);
    if (!done) return fail_with(Status::temporary, done.error().text);
  }
  if (!route) return fail_with(Status::temporary, route.error().text);
  out.transport = route->transport;
  out.nexthop = route->nexthop.empty() ? std::string(parts.domain) : route->nexthop;
  if (!rules_.allow_min_user && out.recipient.starts_with('-')) {
    return fail_with(Status::bad_syntax, "bad address syntax");
  }
  return out;
}

// The address with its own domain stripped as often as a route behind it shows, and a domain in any case.
Result<std::string> Resolver::final_address(std::string_view recipient, Resolved& out) const {
  std::string address(recipient.empty() ? rules_.empty_address_recipient : std::string(recipient));
  for (int i = 0; i < kRouteLimit; ++i) {
    if (!mail::split_address(address).has_domain) address = rewriter_.local(address);
    if (!mail::split_address(address).has_domain) address += "@" + rules_.myhostname;
    std::size_t at = address.rfind('@');
    if (address.size() - at > 2 && address.ends_with('.') && !address.ends_with("..")) address.pop_back();
    if (at + 1 == address.size() && rules_.null_domain) address += rules_.myhostname;
    std::string domain = address.substr(at + 1);
    if (rules_.numeric_domain && mail::is_ip_address(domain)) {
      const bool is_ipv6 = domain.find(':') != std::string::npos;
      domain = fmt::format("[{}{}]", is_ipv6 ? "IPv6:" : "", domain);
      address.replace(at + 1, std::string::npos, domain);
    }
    out.recipient = address;
    const bool is_null = domain.empty();  // like our own domain, when there is a route behind it
    if (!is_null && !is_good_domain(domain)) return address;
    auto local = is_null ? Result<bool>(true) : is_local(domain);
    if (!local) return fail(trouble());
    if (!*local) return address;
    const std::string local_part = address.substr(0, at);
    if (local_part.empty() && !is_null) return rules_.empty_address_recipient + "@" + domain;
    const bool is_visible = rules_.dequoted || !mail::needs_quotes(local_part);
    if (!is_visible || !has_operator(local_part)) return address;
    if (local_part.find('@') != std::string::npos) {
      address = rewriter_.local(local_part);
      continue;
    }
    std::string revealed = rewriter_.reveal_route(local_part);
    if (revealed == local_part) return address;
    address = rewriter_.local(revealed);
  }
  return address;
}

Result<Resolver::Place> Resolver::place_of(std::string_view domain) const {
  const std::string name = lower(domain);
  auto local = is_local(name);
  if (!local) return fail(trouble());
  if (*local) {
    return Place{AddressClass::local,
                 warn_of_double(name, domains_.local, {&domains_.virtual_alias, &domains_.virtual_mailbox})};
  }
  auto alias = domains_.virtual_alias.matches(name);
  if (!alias) return fail(trouble());
  if (*alias) {
    return Place{AddressClass::virtual_alias,
                 warn_of_double(name, domains_.virtual_alias, {&domains_.virtual_mailbox, &domains_.relay})};
  }
  auto mailbox = domains_.virtual_mailbox.matches(name);
  if (!mailbox) return fail(trouble());
  if (*mailbox) {
    return Place{AddressClass::virtual_mailbox,
                 warn_of_double(name, domains_.virtual_mailbox, {&domains_.relay})};
  }
  auto relay = domains_.relay.matches(name);
  if (!relay) return fail(trouble());
  return Place{*relay ? AddressClass::relay : AddressClass::other, false};
}

bool Resolver::may_wait() const {
  return relocated_maps_.may_wait() ||
         std::ranges::any_of(domains_.all(), [](const table::MatchList* list) { return list->may_wait(); });
}

void Resolver::warn_of_doubles() const {
  std::size_t left = may_wait() ? kNamesToAskServersFor : kNamesToCompare;
  std::set<std::string> domains;
  for (const table::MatchList* list : domains_.all()) {
    std::vector<std::string> names = list->names(left);
    left -= std::min(left, names.size());
    domains.insert(std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
  }
  std::size_t told = 0;
  for (const std::string& domain : domains) {
    const auto place = place_of(domain);
    if (!place) return;  // the table that fails would fail, and say so, for each
    if (place->is_double && ++told == kDoublesToTell) return;
  }
}

bool Resolver::warn_of_double(std::string_view domain, const table::MatchList& first,
                              std::initializer_list<const table::MatchList*> others) const {
  bool is_double = false;
  for (const table::MatchList* other : others) {
    if (auto both = other->matches(domain); both && *both) {
      log::warning("do not list domain {} in BOTH {} and {}", domain, first.title(), other->title());
      is_double = true;
    }
  }
  return is_double;
}

Result<Resolver::Route> Resolver::route_of(const Routes& routes, AddressClass address_class,
                                           std::string_view sender, std::string_view) const {
  auto parsed = [](std::string_view text) {
    auto [transport, nexthop] = split_transport(text);
    return Route{std::move(transport), std::move(nexthop)};
  };
  Route route;
  std::string_view parameter;
  switch (address_class) {
    case AddressClass::local:
      route = parsed(routes.local_transport);
      parameter = "local_transport";
      break;
    case AddressClass::virtual_alias:
      return Route{rules_.error_transport, rules_.name_unknown_table
                                               ? "5.1.1 User unknown in virtual alias table"
                                               : "5.1.1 User unknown"};
    case AddressClass::virtual_mailbox:
      route = parsed(routes.virtual_transport);
      parameter = "virtual_transport";
      break;
    case AddressClass::relay:
      route = parsed(routes.relay_transport);
      parameter = "relay_transport";
      break;
    case AddressClass::other: {
      auto chosen = default_route(routes, sender);
      if (!chosen) return chosen;
      route = *std::move(chosen);
      parameter = "default_transport";
      break;
    }
  }
  if (route.transport.empty()) {
    log::warning("parameter {}: null transport is not allowed", parameter);
    return fail(trouble());
  }
  if (!route.nexthop.empty()) return route;
  if (address_class != AddressClass::relay && address_class != AddressClass::other) return route;
  auto relayhost = relayhost_for(routes, sender);
  if (!relayhost) return fail(relayhost.error());
  route.nexthop = *std::move(relayhost);
  return route;
}

namespace {

// The value for a sender; nothing also for DUNNO.
Result<std::optional<std::string>> for_sender(const table::TableList& maps, std::string_view sender,
                                              const table::AddressRules& rules) {
  if (maps.empty()) return std::nullopt;
  table::AddressLookup found = find_address(maps, sender, rules, kSenderKeys);
  if (std::holds_alternative<Failure>(found)) {
    log::warning("{} lookup failure", maps.title());
    return fail(trouble());
  }
  const auto* match = std::get_if<table::AddressMatch>(&found);
  if (match == nullptr || equal_ignoring_case(match->value, "DUNNO")) return std::nullopt;
  return match->value;
}

}  // namespace

Result<Resolver::Route> Resolver::default_route(const Routes& routes, std::string_view sender) const {
  auto own = for_sender(routes.sender_transport_maps,
                        sender.empty() ? std::string_view(rules_.null_sender_transport_key) : sender,
                        rules_.addresses);
  if (!own) return fail(own.error());
  auto [transport, nexthop] = split_transport(*own ? **own : routes.default_transport);
  return Route{std::move(transport), std::move(nexthop)};
}

Result<std::string> Resolver::relayhost_for(const Routes& routes, std::string_view sender) const {
  auto own = for_sender(routes.sender_relayhost_maps,
                        sender.empty() ? std::string_view(rules_.null_sender_relayhost_key) : sender,
                        rules_.addresses);
  if (!own) return fail(own.error());
  return *own ? **own : routes.relayhost;
}

Result<void> Resolver::apply_transport_maps(const Routes& routes, std::string_view address,
                                            std::string_view domain, Route& route) {
  if (routes.transport_maps.empty()) return {};
  table::AddressRules rules = rules_.addresses;
  rules.parent_domain_matches_subdomains = routes.parent_domain_matches;
  table::AddressLookup found =
      find_address(routes.transport_maps, address, rules, table::AddressKeys::transport);
  std::optional<std::string> value;
  if (auto* match = std::get_if<table::AddressMatch>(&found)) value = std::move(match->value);
  bool is_broken = std::holds_alternative<Failure>(found);
  if (!is_broken && !value) {
    auto any = wildcard(routes.transport_maps);
    is_broken = !any;
    if (any) value = *std::move(any);
  }
  if (is_broken) {
    log::warning("{} lookup failure", routes.transport_maps.title());
    return fail(trouble());
  }
  if (!value) return {};
  auto [transport, nexthop] = split_transport(*value);
  if (!transport.empty()) {
    const bool is_refusal =
        transport == "error" || transport == "retry" || transport == rules_.error_transport;
    route.nexthop = is_refusal ? "Address is undeliverable" : std::string(domain);
    route.transport = std::move(transport);
  }
  if (!nexthop.empty()) route.nexthop = std::move(nexthop);
  return {};
}

Result<std::optional<std::string>> Resolver::wildcard(const table::TableList& maps) {
  const Wildcard known = wildcards_[&maps];
  const Time now = clock_.now();
  if (known.read_at <= now && now - known.read_at < kWildcardAge) {
    return known.is_found ? std::optional(known.value) : std::nullopt;
  }
  Lookup answer = maps.lookup("*", table::KeyPart::partial);  // may wait
  if (auto* failure = std::get_if<Failure>(&answer)) return fail(std::move(*failure));
  Wildcard& entry = wildcards_[&maps];
  entry.read_at = now;
  entry.is_found = std::holds_alternative<std::string>(answer);
  entry.value = entry.is_found ? std::get<std::string>(answer) : "";
  return entry.is_found ? std::optional(entry.value) : std::nullopt;
}

Result<void> Resolver::apply_relocated(std::string_view address, Route& route) const {
  if (relocated_maps_.empty()) return {};
  table::AddressLookup found = find_address(relocated_maps_, address, rules_.addresses);
  if (std::holds_alternative<Failure>(found)) {
    log::warning("{} lookup failure", relocated_maps_.title());
    return fail(trouble());
  }
  if (auto* match = std::get_if<table::AddressMatch>(&found)) {
    route = Route{rules_.error_transport, "5.1.6 User has moved to " + match->value};
  }
  return {};
}

}  // namespace posthouse::trivial_rewrite
