// Parameters of address lookups and mappings that more than one daemon reads (cleanup maps the addresses,
// smtpd and verify ask whether they would be mapped).
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::table {

struct AddressMapParameters : config::ParamSet {
  config::Str canonical_maps{
      *this,
      {.name = "canonical_maps",
       .doc = R"(Tables that replace addresses in envelopes and headers, for all senders and recipients.)"}};
  config::Str sender_canonical_maps{
      *this,
      {.name = "sender_canonical_maps",
       .doc =
           R"(Tables that replace sender addresses in envelopes and headers, asked before canonical_maps.)"}};
  config::Str recipient_canonical_maps{
      *this,
      {.name = "recipient_canonical_maps",
       .doc =
           R"(Tables that replace recipient addresses in envelopes and headers, asked before canonical_maps.)"}};
  config::Str virtual_alias_maps{
      *this,
      {.name = "virtual_alias_maps",
       .fallback = "$virtual_maps",
       .doc = R"(Tables that replace envelope recipients of any domain by one or more other addresses.)"}};
  config::List propagate_unmatched_extensions{
      *this,
      {.name = "propagate_unmatched_extensions",
       .fallback = "canonical, virtual",
       .doc =
           R"(Kinds of tables (canonical, virtual, alias, forward, include, generic) whose result receives the
address extension that the key lacked.)"}};
};

}  // namespace posthouse::table
