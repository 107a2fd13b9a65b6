// Parameters of the DNS resolver, for every process that asks the DNS.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::dns {

struct Parameters : config::ParamSet {
  config::List dns_resolver_servers{
      *this,
      {.name = "dns_resolver_servers",
       .doc =
           R"(Name servers to ask, address or address:port with an IPv6 address in brackets. When empty, the servers in
/etc/resolv.conf are asked.)",
       .since = "Posthouse 0.1"}};
};

}  // namespace posthouse::dns
