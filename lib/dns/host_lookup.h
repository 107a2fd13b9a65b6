// The system's own host lookup (getaddrinfo, so /etc/hosts and nsswitch.conf), for smtp_host_lookup = native.
#pragma once

#include <string>
#include <vector>

#include "lib/dns/resolver.h"

namespace posthouse::dns {

struct HostAddresses {
  Outcome outcome = Outcome::temporary;
  std::vector<std::string> addresses;  // numeric, in the order of the system
  std::string reason;                  // of a failure, as the system says it
};

// May wait (runs in a worker thread). family: AF_INET, AF_INET6 or AF_UNSPEC for both.
HostAddresses native_host_lookup(const std::string& name, int family);

}  // namespace posthouse::dns
