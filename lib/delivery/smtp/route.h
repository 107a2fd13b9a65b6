// From a destination to the servers to try, in order: MX records sorted by preference, their addresses
// shuffled among equals, cut before this mail system's own entry and at the address limit (RFC 5321 section
// 5).
#pragma once

#include <functional>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/delivery/smtp/destination.h"
#include "lib/delivery/smtp/server.h"
#include "lib/delivery/smtp/settings.h"
#include "lib/dns/host_lookup.h"
#include "lib/dns/resolver.h"

namespace posthouse::delivery::smtp {

// The world of a Router, replaceable in tests.
struct RouterPeers {
  dns::Lookups* dns = nullptr;
  std::function<dns::HostAddresses(const std::string& name, int family)> native = dns::native_host_lookup;
  std::function<std::size_t(std::size_t below)> random;  // uniform in [0, below)
};

class Router {
 public:
  Router(const RouteSettings& settings, RouterPeers peers);

  // At least one server, or why there is none: 5.4.4 no such host, 4.4.3 lookup trouble, 5.4.6 loop to self,
  // 5.1.0 null MX, 4.4.4 no usable MX. May wait.
  // `is_mx_host` becomes true when this mail system is an MX host of the destination, though not the best.
  Result<std::vector<Server>> route(const Destination& destination, bool* is_mx_host = nullptr) const;

 private:
  Result<std::vector<Server>> domain_servers(const Destination& destination, std::uint16_t port,
                                             bool* is_mx_host) const;
  Result<std::vector<Server>> mx_servers(const std::string& domain, const dns::Reply& mx, std::uint16_t port,
                                         bool* is_mx_host) const;
  Result<std::vector<Server>> host_servers(const std::string& name, unsigned preference,
                                           std::uint16_t port) const;
  Result<std::vector<Server>> dns_servers(const std::string& host, unsigned preference,
                                          std::uint16_t port) const;
  Result<std::vector<Server>> native_servers(const std::string& host, unsigned preference,
                                             std::uint16_t port) const;
  void order(std::vector<Server>& servers) const;
  void balance(std::vector<Server>& servers) const;
  Result<std::vector<Server>> single_host(const std::string& host, std::uint16_t port) const;
  bool is_self(const Server& server) const;
  bool is_smtp(std::uint16_t port) const;

  RouteSettings settings_;
  RouterPeers peers_;
};

}  // namespace posthouse::delivery::smtp
