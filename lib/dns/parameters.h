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
  config::Bool enable_idna2003_compatibility{
      *this,
      {.name = "enable_idna2003_compatibility",
       .fallback = "no",
       .doc =
           R"(Turns domain names in UTF-8 into ASCII for the DNS as IDNA2003 did, which drops joiners and takes
some letters for others.)"}};
};

}  // namespace posthouse::dns
