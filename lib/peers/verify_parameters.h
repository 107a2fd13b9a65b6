// Parameters of address verification that more than one daemon reads.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::peers {

struct VerifyParameters : config::ParamSet {
  config::Bool address_verify_negative_cache{
      *this,
      {.name = "address_verify_negative_cache",
       .fallback = "yes",
       .doc =
           R"(Remember failed probes too. Without this every question about a bad address sends a probe.)"}};
  config::Str address_verify_sender{
      *this,
      {.name = "address_verify_sender",
       .fallback = "$double_bounce_sender",
       .doc = R"(The sender of probe messages. An empty value or <> is the null sender, which
some hosts accept for any recipient. Mail to this address is not delivered.)"}};
  config::Seconds address_verify_sender_ttl{
      *this,
      {.name = "address_verify_sender_ttl",
       .fallback = "0s",
       .doc =
           R"(How often the sender of probe messages changes, so that it is of no use to senders of spam; 0 for
never. All hosts of a domain must have the same value.)",
       .at_least = 0}};
};

}  // namespace posthouse::peers
