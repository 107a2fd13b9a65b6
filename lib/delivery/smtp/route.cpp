#include "lib/delivery/smtp/route.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>

#include "lib/base/text.h"
#include "lib/delivery/smtp/reason.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/mail/idn.h"

namespace posthouse::delivery::smtp {
namespace {

using Servers = std::vector<Server>;

constexpr std::chrono::seconds kLookupTimeout{60};

Deadline lookup_deadline() {
  return deadline_after(kLookupTimeout);
}

std::size_t random_below(std::size_t below) {
  static std::mt19937_64 generator{std::random_device{}()};  // spreads load only
  return std::uniform_int_distribution<std::size_t>(0, below - 1)(generator);
}

Server server_of(const std::string& host, const std::string& address, unsigned preference,
                 std::uint16_t port) {
  return {.host = host,
          .address = address,
          .port = port,
          .preference = preference,
          .is_ipv6 = address.find(':') != std::string::npos};
}

Failure dns_failure(const dns::Reply& reply) {
  if (reply.filter == dns::FilterEnd::dropped_all) return Failure::deferred("4.7.0", reply.text());
  if (reply.outcome == dns::Outcome::temporary) return Failure::deferred("4.4.3", reply.text());
  return Failure::bounced("5.4.4", reply.text());
}

bool is_null_mx(const dns::Reply& mx) {
  return mx.records.size() == 1 && mx.records[0].value == ".";
}

}  // namespace

Router::Router(const RouteSettings& settings, RouterPeers peers)
    : settings_(settings), peers_(std::move(peers)) {
  if (!peers_.random) peers_.random = random_below;
}

Result<Servers> Router::dns_servers(const std::string& host, unsigned preference, std::uint16_t port) const {
  Servers found;
  std::optional<Failure> failure;
  for (auto [type, enabled] :
       {std::pair{dns::Type::a, settings_.use_ipv4}, {dns::Type::aaaa, settings_.use_ipv6}}) {
    if (!enabled) continue;
    const dns::Reply reply = peers_.dns->query(host, type, lookup_deadline());
    for (const dns::Record& record : reply.records)
      found.push_back(server_of(host, record.value, preference, port));
    // Trouble with one family must not turn into "not found" by the other.
    if (reply.outcome != dns::Outcome::found && !(failure && !failure->is_permanent()))
      failure = dns_failure(reply);
  }
  if (found.empty() && failure) return fail(*std::move(failure));
  return found;
}

Result<Servers> Router::native_servers(const std::string& host, unsigned preference,
                                       std::uint16_t port) const {
  const int family = !settings_.use_ipv6 ? AF_INET : settings_.use_ipv4 ? AF_UNSPEC : AF_INET6;
  const dns::HostAddresses answer = peers_.native(host, family);
  if (answer.outcome != dns::Outcome::found) {
    std::string text = fmt::format("unable to look up host {}: {}", host, answer.reason);
    if (answer.outcome == dns::Outcome::temporary) return fail(Failure::deferred("4.4.3", std::move(text)));
    return fail(Failure::bounced("5.4.4", std::move(text)));
  }
  Servers found;
  for (const std::string& address : answer.addresses)
    found.push_back(server_of(host, address, preference, port));
  return found;
}

Result<Servers> Router::host_servers(const std::string& name, unsigned preference, std::uint16_t port) const {
  const std::string host = mail::to_ascii_domain(name).value_or(name);
  if (mail::is_ip_address(host)) return Servers{server_of(host, host, preference, port)};
  const bool by_dns = settings_.dns_enabled && settings_.dns_lookup;
  if (!by_dns) return native_servers(host, preference, port);
  if (!settings_.native_lookup) return dns_servers(host, preference, port);
  auto found =
      settings_.native_first ? native_servers(host, preference, port) : dns_servers(host, preference, port);
  if (found && !found->empty()) return found;
  return settings_.native_first ? dns_servers(host, preference, port)
                                : native_servers(host, preference, port);
}

bool Router::is_self(const Server& server) const {
  return settings_.own_addresses.contains(server.address);
}

// Where another server of this mail system would not be taken for a loop: it listens at other ports.
bool Router::is_smtp(std::uint16_t port) const {
  return !settings_.is_lmtp && port == kSmtpPort;
}

Result<Servers> Router::mx_servers(const std::string& domain, const dns::Reply& mx, std::uint16_t port,
                                   bool* is_mx_host) const {
  if (is_null_mx(mx))
    return fail(Failure::bounced("5.1.0", fmt::format("Domain {} does not accept mail (nullMX)", domain)));
  Servers found;
  std::optional<Failure> failure;
  unsigned best = ~0U;
  for (const dns::Record& record : mx.records) {
    best = std::min<unsigned>(best, record.preference);
    auto servers = host_servers(record.value, record.preference, port);
    if (servers)
      std::ranges::move(*servers, std::back_inserter(found));
    else if (!failure || failure->is_permanent())
      failure = std::move(servers.error());
  }
  if (found.empty()) {
    log::warning("no MX host for {} has a valid address record", domain);
    if (failure && settings_.defer_if_no_mx_address)
      failure->verdict = Verdict::defer, failure->dsn = "4.4.4";
    return fail(failure ? *failure
                        : Failure::deferred("4.4.4", "unable to find primary relay for " + domain));
  }
  order(found);
  const unsigned best_found = found.front().preference;
  for (Server& server : found) server.is_best = server.preference == best_found;
  const auto self =
      is_smtp(port) ? std::ranges::find_if(found, [&](const Server& s) { return is_self(s); }) : found.end();
  if (self == found.end()) return found;
  if (is_mx_host != nullptr) *is_mx_host = true;
  const unsigned own = self->preference;
  std::erase_if(found, [own](const Server& server) { return server.preference >= own; });
  if (!found.empty()) return found;
  if (best != best_found)
    return fail(Failure::deferred("4.4.4", "unable to find primary relay for " + domain));
  return fail(loops_to_self(domain));
}

Result<Servers> Router::domain_servers(const Destination& destination, std::uint16_t port,
                                       bool* is_mx_host) const {
  const std::string& domain = destination.host;
  const dns::Reply mx = peers_.dns->query(domain, dns::Type::mx, lookup_deadline());
  if (mx.outcome == dns::Outcome::found) return mx_servers(domain, mx, port, is_mx_host);
  if (mx.outcome == dns::Outcome::temporary && !settings_.ignore_mx_error) return fail(dns_failure(mx));
  return single_host(domain, port);
}

Result<Servers> Router::single_host(const std::string& host, std::uint16_t port) const {
  auto servers = host_servers(host, 0, port);
  if (!servers) return servers;
  order(*servers);
  if (is_smtp(port) && std::ranges::any_of(*servers, [&](const Server& s) { return is_self(s); }))
    return fail(loops_to_self(host));
  return servers;
}

// By preference; within one preference shuffled, then the preferred family first.
void Router::order(std::vector<Server>& servers) const {
  if (settings_.randomize)
    for (std::size_t i = servers.size(); i > 1; --i) std::swap(servers[i - 1], servers[peers_.random(i)]);
  std::ranges::stable_sort(servers, [this](const Server& a, const Server& b) {
    if (a.preference != b.preference) return a.preference < b.preference;
    if (settings_.preference == AddressPreference::any || a.is_ipv6 == b.is_ipv6) return false;
    return a.is_ipv6 == (settings_.preference == AddressPreference::ipv6);
  });
}

// When one family alone would use up the address limit, the last place goes to the first of the other.
void Router::balance(std::vector<Server>& servers) const {
  const std::size_t limit = settings_.address_limit;
  if (!settings_.balance_families || limit < 2 || servers.size() <= limit) return;
  const bool family = servers[0].is_ipv6;
  const auto begin = servers.begin(), end = begin + static_cast<std::ptrdiff_t>(limit);
  if (std::any_of(begin, end, [family](const Server& s) { return s.is_ipv6 != family; })) return;
  const auto other =
      std::find_if(end, servers.end(), [family](const Server& s) { return s.is_ipv6 != family; });
  if (other != servers.end()) std::rotate(end - 1, other, other + 1);
}

Result<Servers> Router::route(const Destination& destination, bool* is_mx_host) const {
  if (destination.is_unix)
    return Servers{{.host = settings_.myhostname, .address = destination.host, .is_unix = true}};
  const auto port = port_of(destination.service);
  if (!port) return fail(port.error());
  const bool use_mx = !destination.is_bracketed && !settings_.is_lmtp && settings_.dns_enabled &&
                      settings_.dns_lookup && !mail::is_ip_address(destination.host);
  auto servers =
      use_mx ? domain_servers(destination, *port, is_mx_host) : single_host(destination.host, *port);
  if (!servers) return servers;
  balance(*servers);
  if (settings_.address_limit > 0 && servers->size() > settings_.address_limit)
    servers->resize(settings_.address_limit);
  return servers;
}

}  // namespace posthouse::delivery::smtp
