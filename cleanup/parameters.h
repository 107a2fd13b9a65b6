// Parameters of cleanup. Those of the address tables that smtpd reads too are in lib/table/parameters.h.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::cleanup {

enum class FromFormat : unsigned char { standard, obsolete };

// Additional recipients, and rewriting beyond the tables.
struct AddressParameters : config::ParamSet {
  config::List canonical_classes{
      *this,
      {.name = "canonical_classes",
       .fallback = "envelope_sender, envelope_recipient, header_sender, header_recipient",
       .doc = R"(Which addresses canonical_maps applies to.)"}};
  config::List sender_canonical_classes{*this,
                                        {.name = "sender_canonical_classes",
                                         .fallback = "envelope_sender, header_sender",
                                         .doc = R"(Which addresses sender_canonical_maps applies to.)"}};
  config::List recipient_canonical_classes{
      *this,
      {.name = "recipient_canonical_classes",
       .fallback = "envelope_recipient, header_recipient",
       .doc = R"(Which addresses recipient_canonical_maps applies to.)"}};
  config::List masquerade_domains{
      *this,
      {.name = "masquerade_domains",
       .doc =
           R"(Domains whose subdomains are hidden: user@host.example.com becomes user@example.com. A name
with ! in front, and what is below it, stays as it is; the first match counts.)"}};
  config::List masquerade_exceptions{
      *this, {.name = "masquerade_exceptions", .doc = R"(User names whose addresses are not masqueraded.)"}};
  config::List masquerade_classes{*this,
                                  {.name = "masquerade_classes",
                                   .fallback = "envelope_sender, header_sender, header_recipient",
                                   .doc = R"(Which addresses are masqueraded.)"}};
  config::Str always_bcc{
      *this, {.name = "always_bcc", .doc = R"(An address that receives a copy of every message.)"}};
  config::Str sender_bcc_maps{
      *this, {.name = "sender_bcc_maps", .doc = R"(Tables that give, for a sender, an address for a copy.)"}};
  config::Str recipient_bcc_maps{
      *this,
      {.name = "recipient_bcc_maps", .doc = R"(Tables that give, for a recipient, an address for a copy.)"}};
  config::Int virtual_alias_expansion_limit{
      *this,
      {.name = "virtual_alias_expansion_limit",
       .fallback = "1000",
       .doc = R"(How many addresses one recipient may become. A message above it is deferred.)",
       .at_least = 1}};
  config::Int virtual_alias_recursion_limit{
      *this,
      {.name = "virtual_alias_recursion_limit",
       .fallback = "1000",
       .doc = R"(How often the result of an alias may be an alias again.)",
       .at_least = 1}};
  config::Int virtual_alias_address_length_limit{
      *this,
      {.name = "virtual_alias_address_length_limit",
       .fallback = "1000",
       .doc = R"(The longest address that an alias may give, in bytes.)",
       .at_least = 1}};
  config::Int duplicate_filter_limit{
      *this,
      {.name = "duplicate_filter_limit",
       .fallback = "1000",
       .doc = R"(How many addresses are remembered to find duplicate recipients.)",
       .at_least = 1}};
};

// Headers that are added, removed or changed, and limits.
struct MessageParameters : config::ParamSet {
  config::Bool always_add_missing_headers{
      *this,
      {.name = "always_add_missing_headers",
       .fallback = "no",
       .doc = R"(Add From:, Date: and Message-Id: to mail of remote clients too.)"}};
  config::Int header_address_token_limit{
      *this,
      {.name = "header_address_token_limit",
       .fallback = "10240",
       .doc =
           R"(How many words, special characters and comments of a header with addresses are looked at when the addresses
are rewritten; if any is, the rest of the header is lost.)",
       .at_least = 1}};
  config::Str undisclosed_recipients_header{
      *this,
      {.name = "undisclosed_recipients_header",
       .doc = R"(The header that is added to a message without To: and Cc:.)"}};
  config::Choice<FromFormat> header_from_format{
      *this,
      {.name = "header_from_format",
       .fallback = "standard",
       .doc = R"(How an added From: header is written: name <address>, or address (name).)",
       .words = {"standard", "obsolete"}}};
  config::List message_drop_headers{*this,
                                    {.name = "message_drop_headers",
                                     .fallback = "bcc, content-length, resent-bcc, return-path",
                                     .doc = R"(Names of headers that are removed from every message.)"}};
  config::Bool cleanup_replace_stray_cr_lf{*this,
                                           {.name = "cleanup_replace_stray_cr_lf",
                                            .fallback = "yes",
                                            .doc = R"(Replace a carriage return inside a line by a blank.)"}};
  config::Int hopcount_limit{*this,
                             {.name = "hopcount_limit",
                              .fallback = "50",
                              .doc = R"(A message with this many Received: headers is refused.)",
                              .at_least = 1}};
  config::Seconds delay_warning_time{
      *this,
      {.name = "delay_warning_time",
       .fallback = "0h",
       .doc = R"(After this time in the queue the sender is told that the message is late; 0 never tells.)",
       .at_least = 0,
       .unit = 'h'}};
};

}  // namespace posthouse::cleanup
