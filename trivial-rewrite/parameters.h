// Parameters of address rewriting and routing.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::trivial_rewrite {

// How an address is completed.
struct RewriteParameters : config::ParamSet {
  config::Bool append_at_myorigin{
      *this,
      {.name = "append_at_myorigin",
       .fallback = "yes",
       .doc =
           R"(Adds @myorigin to an address without a domain, in mail from local_header_rewrite_clients.)"}};
  config::Bool append_dot_mydomain{*this,
                                   {.name = "append_dot_mydomain",
                                    .fallback = "${{$compatibility_level} <level {1} ? {yes} : {no}}",
                                    .doc = R"(Adds .mydomain to an address whose domain has no dot.)"}};
  config::Bool swap_bangpath{*this,
                             {.name = "swap_bangpath",
                              .fallback = "yes",
                              .doc = R"(Reads an address host!user without a domain as user@host.)"}};
  config::Bool allow_percent_hack{*this,
                                  {.name = "allow_percent_hack",
                                   .fallback = "yes",
                                   .doc = R"(Reads an address user%host without a domain as user@host.)"}};
};

// How a recipient address is understood.
struct ResolveParameters : config::ParamSet {
  config::Bool resolve_dequoted_address{
      *this,
      {.name = "resolve_dequoted_address",
       .fallback = "yes",
       .doc =
           R"(Looks for @, ! and % also in a quoted local part, so that nobody hides a route in quotes.)"}};
  config::Bool resolve_null_domain{*this,
                                   {.name = "resolve_null_domain",
                                    .fallback = "no",
                                    .doc = R"(Takes user@ for user@myhostname instead of a syntax error.)"}};
  config::Bool resolve_numeric_domain{
      *this,
      {.name = "resolve_numeric_domain",
       .fallback = "no",
       .doc = R"(Takes user@192.0.2.1 for user@[192.0.2.1] instead of a syntax error.)"}};
  config::Str virtual_alias_domains{
      *this,
      {.name = "virtual_alias_domains",
       .fallback = "$virtual_alias_maps",
       .doc = R"(Domains all of whose addresses are aliases, found in virtual_alias_maps.)"}};
  config::Str virtual_mailbox_domains{*this,
                                      {.name = "virtual_mailbox_domains",
                                       .fallback = "$virtual_mailbox_maps",
                                       .doc = R"(Domains that are delivered through virtual_transport.)"}};
  config::Str relay_domains{
      *this,
      {.name = "relay_domains",
       .fallback = "${{$compatibility_level} <level {2} ? {$mydestination} : {}}",
       .doc =
           R"(Domains of others for which this host takes mail and passes it on, through relay_transport.)"}};
  config::Str relocated_maps{
      *this,
      {.name = "relocated_maps",
       .doc = R"(Tables of addresses that have moved; the value says where to. Mail to them is returned.)"}};
  config::Str empty_address_relayhost_maps_lookup_key{
      *this,
      {.name = "empty_address_relayhost_maps_lookup_key",
       .fallback = "<>",
       .doc = R"(The key for the null sender in sender_dependent_relayhost_maps.)",
       .at_least = 1}};
  config::Str empty_address_default_transport_maps_lookup_key{
      *this,
      {.name = "empty_address_default_transport_maps_lookup_key",
       .fallback = "<>",
       .doc = R"(The key for the null sender in sender_dependent_default_transport_maps.)",
       .at_least = 1}};
};

// Where mail goes.
struct RouteParameters : config::ParamSet {
  config::Str local_transport{*this,
                              {.name = "local_transport",
                               .fallback = "local:$myhostname",
                               .doc = R"(How mail to mydestination is delivered: transport:nexthop.)",
                               .at_least = 1}};
  config::Str virtual_transport{*this,
                                {.name = "virtual_transport",
                                 .fallback = "virtual",
                                 .doc = R"(How mail to virtual_mailbox_domains is delivered.)",
                                 .at_least = 1}};
  config::Str relay_transport{
      *this,
      {.name = "relay_transport",
       .fallback = "relay",
       .doc =
           R"(How mail to relay_domains is delivered. Without a nexthop: relayhost, else the recipient's domain.)",
       .at_least = 1}};
  config::Str default_transport{
      *this,
      {.name = "default_transport",
       .fallback = "smtp",
       .doc =
           R"(How all other mail is delivered. Without a nexthop: relayhost, else the recipient's domain.)",
       .at_least = 1}};
  config::Str relayhost{
      *this,
      {.name = "relayhost",
       .doc = R"(The next host of all mail that is not for this one: domain, [host] or [host]:port.)"}};
  config::Str transport_maps{
      *this,
      {.name = "transport_maps",
       .doc =
           R"(Tables from an address or domain to transport:nexthop, which replace the choice made so far.)"}};
  config::Str sender_dependent_relayhost_maps{
      *this,
      {.name = "sender_dependent_relayhost_maps",
       .doc = R"(Tables from sender address or @domain to a host that is used instead of relayhost.)"}};
  config::Str sender_dependent_default_transport_maps{
      *this,
      {.name = "sender_dependent_default_transport_maps",
       .doc =
           R"(Tables from sender address or @domain to transport:nexthop, used instead of default_transport.)"}};
};

// The same for probes of verify(8).
struct ProbeRouteParameters : config::ParamSet {
  config::Str local_transport{*this,
                              {.name = "address_verify_local_transport",
                               .fallback = "$local_transport",
                               .doc = R"(Replaces local_transport for address verification probes.)",
                               .at_least = 1}};
  config::Str virtual_transport{*this,
                                {.name = "address_verify_virtual_transport",
                                 .fallback = "$virtual_transport",
                                 .doc = R"(Replaces virtual_transport for address verification probes.)",
                                 .at_least = 1}};
  config::Str relay_transport{*this,
                              {.name = "address_verify_relay_transport",
                               .fallback = "$relay_transport",
                               .doc = R"(Replaces relay_transport for address verification probes.)",
                               .at_least = 1}};
  config::Str default_transport{*this,
                                {.name = "address_verify_default_transport",
                                 .fallback = "$default_transport",
                                 .doc = R"(Replaces default_transport for address verification probes.)",
                                 .at_least = 1}};
  config::Str relayhost{*this,
                        {.name = "address_verify_relayhost",
                         .fallback = "$relayhost",
                         .doc = R"(Replaces relayhost for address verification probes.)"}};
  config::Str transport_maps{*this,
                             {.name = "address_verify_transport_maps",
                              .fallback = "$transport_maps",
                              .doc = R"(Replaces transport_maps for address verification probes.)"}};
  config::Str sender_dependent_relayhost_maps{
      *this,
      {.name = "address_verify_sender_dependent_relayhost_maps",
       .fallback = "$sender_dependent_relayhost_maps",
       .doc = R"(Replaces sender_dependent_relayhost_maps for address verification probes.)"}};
  config::Str sender_dependent_default_transport_maps{
      *this,
      {.name = "address_verify_sender_dependent_default_transport_maps",
       .fallback = "$sender_dependent_default_transport_maps",
       .doc = R"(Replaces sender_dependent_default_transport_maps for address verification probes.)"}};
};

}  // namespace posthouse::trivial_rewrite
