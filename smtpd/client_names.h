// Finds host names of clients: /etc/hosts first, then PTR and a forward look-up that must lead back.
//
// Answers are remembered for a minute, so a burst of connections from one address costs one look-up; at
// most kCacheLimit addresses. Also warns as the reference does when names do not fit.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/dns/resolver.h"
#include "smtpd/client.h"

namespace posthouse::smtpd {

// The host table as text ("/etc/hosts"); names in lower case.
class HostsFile {
 public:
  static HostsFile parse(std::string_view text);
  const std::string* name_of(std::string_view address) const;
  bool has(std::string_view name, std::string_view address) const;
  bool knows(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> names_;           // first name by address
  std::multimap<std::string, std::string, std::less<>> addresses_;  // by name
};

class ClientNames {
 public:
  ClientNames(HostsFile hosts, dns::Lookups& dns) : hosts_(std::move(hosts)), dns_(dns) {}
  // Fills in names and their statuses. May wait.
  void look_up(Client& client, Deadline deadline);

 private:
  static constexpr std::size_t kCacheLimit = 20000;
  struct Names {
    std::string name, reverse_name;
    NameStatus name_status, reverse_name_status;
    Deadline expires;
  };
  Names find(const Client& client, Deadline deadline);
  NameStatus verify(const std::string& name, const Client& client, Deadline deadline, std::string& reason);

  HostsFile hosts_;
  dns::Lookups& dns_;
  std::unordered_map<std::string, Names> cache_;
};

// Why a host has no address, in the words of the system's resolver.
std::string_view host_lookup_reason(dns::Outcome outcome);

// "4.3.2.1.in-addr.arpa" or the ip6.arpa form; also the prefix of DNSBL queries.
std::string reversed_address(std::string_view address);

}  // namespace posthouse::smtpd
