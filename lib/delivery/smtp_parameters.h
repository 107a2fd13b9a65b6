// Parameters of the SMTP and LMTP client. Those that exist for both are declared once, with the prefix as
// argument; the few default values that differ for LMTP stand beside the name.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::delivery {

enum class ClientAddressPreference : unsigned char { any, ipv4, ipv6 };
enum class VerifyTarget : unsigned char { rcpt, data };

struct ClientParameters : config::ParamSet {
  static constexpr std::array<std::string_view, 2> kPrefixes{"smtp", "lmtp"};
  explicit ClientParameters(std::string_view prefix) : prefix_(prefix) {}

 private:
  std::string prefix_;
  bool is_lmtp() const { return prefix_ == "lmtp"; }
  std::string named(std::string_view suffix) const { return prefix_ + "_" + std::string(suffix); }
  std::string either(std::string_view for_smtp, std::string_view for_lmtp) const {
    return std::string(is_lmtp() ? for_lmtp : for_smtp);
  }

 public:
  config::Str tcp_port{*this,
                       {.name = named("tcp_port"),
                        .fallback = either("smtp", "24"),
                        .doc = R"(The port, by name or number, of servers whose destination names none.)",
                        .at_least = 1}};
  config::Str helo_name{*this,
                        {.name = named(either("helo_name", "lhlo_name")),
                         .fallback = "$myhostname",
                         .doc = R"(The name this host gives itself in EHLO, HELO or LHLO.)",
                         .at_least = 1}};
  config::List discard_keywords{
      *this,
      {.name = named(either("discard_ehlo_keywords", "discard_lhlo_keywords")),
       .doc = R"(Keywords in a server's EHLO or LHLO reply, in any case, that are taken as not offered.
With the word silent-discard among them, no log line tells of it.)"}};
  config::Str discard_keyword_maps{
      *this,
      {.name = named(either("discard_ehlo_keyword_address_maps", "discard_lhlo_keyword_address_maps")),
       .doc =
           R"(Tables that are asked for a server's address (or the path of its socket) and answer with the list that
counts for it instead.)"}};
  config::Str reply_filter{
      *this,
      {.name = named("reply_filter"),
       .doc =
           R"(A table that is asked for each line that a server says, without its line end, and answers with the line
that is taken in its place. Against servers that break the protocol, and for tests.)"}};
  config::List pix_workarounds{
      *this,
      {.name = named("pix_workarounds"),
       .fallback = "disable_esmtp,delay_dotcrlf",
       .doc =
           R"(What is done about a Cisco PIX firewall, known by a greeting in which nothing but asterisks, blanks and the
digits 0 and 2 is left: disable_esmtp says HELO instead of EHLO, delay_dotcrlf waits before the final dot of a message
that has been in the queue for a while.)"}};
  config::Str pix_workaround_maps{
      *this,
      {.name = named("pix_workaround_maps"),
       .doc = R"(Tables by server address with the workarounds for the PIX firewall in front of it.)"}};
  config::Seconds pix_workaround_threshold_time{
      *this,
      {.name = named("pix_workaround_threshold_time"),
       .fallback = "500s",
       .doc = R"(How long a message must have been in the queue for delay_dotcrlf.)",
       .at_least = 0}};
  config::Seconds pix_workaround_delay_time{*this,
                                            {.name = named("pix_workaround_delay_time"),
                                             .fallback = "10s",
                                             .doc = R"(How long delay_dotcrlf waits.)",
                                             .at_least = 1}};

  config::Seconds connect_timeout{
      *this,
      {.name = named("connect_timeout"),
       .fallback = either("30s", "0s"),
       .doc = R"(How long to wait for a TCP connection; 0 leaves it to the system.)",
       .at_least = 0}};
  config::Seconds helo_timeout{
      *this,
      {.name = named(either("helo_timeout", "lhlo_timeout")),
       .fallback = "300s",
       .doc = R"(How long to wait for the greeting and for the reply to EHLO, HELO or LHLO.)",
       .at_least = 1}};
  config::Seconds xforward_timeout{*this,
                                   {.name = named("xforward_timeout"),
                                    .fallback = "300s",
                                    .doc = R"(How long to wait for the reply to XFORWARD.)",
                                    .at_least = 1}};
  config::Seconds mail_timeout{*this,
                               {.name = named("mail_timeout"),
                                .fallback = "300s",
                                .doc = R"(How long to wait for the reply to MAIL FROM.)",
                                .at_least = 1}};
  config::Seconds rcpt_timeout{*this,
                               {.name = named("rcpt_timeout"),
                                .fallback = "300s",
                                .doc = R"(How long to wait for the reply to RCPT TO.)",
                                .at_least = 1}};
  config::Seconds data_init_timeout{*this,
                                    {.name = named("data_init_timeout"),
                                     .fallback = "120s",
                                     .doc = R"(How long to wait for the reply to DATA.)",
                                     .at_least = 1}};
  config::Seconds data_xfer_timeout{
      *this,
      {.name = named("data_xfer_timeout"),
       .fallback = "180s",
       .doc = R"(How long the server may take to accept each piece of the message content.)",
       .at_least = 1}};
  config::Bool per_request_deadline{
      *this,
      {.name = named("per_request_deadline"),
       .fallback = "${" + named("per_record_deadline") + "?{$" + named("per_record_deadline") + "}:{no}}",
       .doc =
           R"(These time limits are for sending a request and receiving its whole reply, not for each wait for some
bytes: a server that sends a byte now and then does not hold a delivery.)"}};
  config::Int min_data_rate{
      *this,
      {.name = named("min_data_rate"),
       .fallback = "500",
       .doc =
           R"(With per-request deadlines, the bytes per second at which the server must take the message content: each
piece that was sent adds as much time as it may take, up to the limit for content.)",
       .at_least = 1}};
  config::Seconds data_done_timeout{
      *this,
      {.name = named("data_done_timeout"),
       .fallback = "600s",
       .doc =
           R"(How long to wait for the reply to the end of the content. A server that answers later may receive the
message twice.)",
       .at_least = 1}};
  config::Seconds rset_timeout{*this,
                               {.name = named("rset_timeout"),
                                .fallback = "20s",
                                .doc = R"(How long to wait for the reply to RSET.)",
                                .at_least = 1}};
  config::Seconds quit_timeout{*this,
                               {.name = named("quit_timeout"),
                                .fallback = "300s",
                                .doc = R"(How long to wait for the reply to QUIT.)",
                                .at_least = 1}};

  config::Bool skip_5xx_greeting{
      *this,
      {.name = named("skip_5xx_greeting"),
       .fallback = "yes",
       .doc = R"(Take a server that greets with a 5xx code as out of order for now: try others, or later.)"}};
  config::Bool skip_quit_response{*this,
                                  {.name = named("skip_quit_response"),
                                   .fallback = either("yes", "no"),
                                   .doc = R"(Close the connection without waiting for the reply to QUIT.)"}};
  config::Bool send_xforward_command{
      *this,
      {.name = named("send_xforward_command"),
       .fallback = "no",
       .doc = R"(Tell servers that offer XFORWARD the name, address and queue id of the original client.)"}};
  config::Bool quote_rfc821_envelope{
      *this,
      {.name = named("quote_rfc821_envelope"),
       .fallback = "yes",
       .doc =
           R"(Quote the local parts of addresses in MAIL FROM and RCPT TO where their syntax demands it.)"}};
  config::Int line_length_limit{
      *this,
      {.name = named("line_length_limit"),
       .fallback = "998",
       .doc =
           R"(The longest line sent, in bytes without line end; longer ones are broken and the next line starts with a
blank. 0 is no limit.)",
       .at_least = 0}};
  config::Str generic_maps{
      *this,
      {.name = named("generic_maps"),
       .doc =
           R"(Tables that replace addresses in the envelope and the headers of mail that is sent, such as local names by
ones that are valid on the Internet.)"}};
  config::Choice<VerifyTarget> address_verify_target{
      *this,
      {.name = named("address_verify_target"),
       .fallback = "rcpt",
       .doc = R"(After which command's reply an address verification probe ends: rcpt or data.)",
       .words = {"rcpt", "data"}}};

  config::List host_lookup{
      *this,
      {.name = named("host_lookup"),
       .fallback = "dns",
       .doc =
           R"(How host addresses are found, in order: dns, and native for the system's own lookups (/etc/hosts).)"}};
  config::Str dns_support_level{
      *this,
      {.name = named("dns_support_level"),
       .doc =
           R"(How much of the DNS is used: disabled (destinations are host names for the system's own lookups),
enabled, or dnssec. Empty is enabled, unless disable_dns_lookups says otherwise.)"}};
  config::List dns_resolver_options{
      *this,
      {.name = named("dns_resolver_options"),
       .doc =
           R"(Where else host names are looked for: res_defnames, for names without a dot, in the domains that
resolv.conf says (search, domain); res_dnsrch, for other names that do not exist, below all those domains.)"}};
  config::Str dns_reply_filter{
      *this,
      {.name = named("dns_reply_filter"),
       .doc =
           R"(Tables that are asked for each record that the DNS gives about servers, as in "mx.example.com. 3600 IN A
192.0.2.1" or "example.com. 3600 IN MX 10 mx.example.com."; the answer IGNORE drops it. Mail is deferred when
nothing is left.)"}};
  config::Choice<ClientAddressPreference> address_preference{
      *this,
      {.name = named("address_preference"),
       .fallback = "any",
       .doc = R"(Which addresses of equally preferred servers come first: any, ipv4 or ipv6.)",
       .words = {"any", "ipv4", "ipv6"}}};
  config::Bool balance_inet_protocols{
      *this,
      {.name = named("balance_inet_protocols"),
       .fallback = "yes",
       .doc =
           R"(See to it that servers of both address families are tried before the address limit is reached.)"}};
  config::Bool randomize_addresses{*this,
                                   {.name = named("randomize_addresses"),
                                    .fallback = "yes",
                                    .doc = R"(Try equally preferred addresses in random order.)"}};
  config::Int mx_address_limit{
      *this,
      {.name = named("mx_address_limit"),
       .fallback = "5",
       .doc = R"(How many server addresses of a destination are considered; 0 is no limit.)",
       .at_least = 0}};
  config::Int mx_session_limit{
      *this,
      {.name = named("mx_session_limit"),
       .fallback = "2",
       .doc =
           R"(How many servers are spoken to for one delivery request, not counting those that did not get as far as
EHLO; 0 is no limit.)",
       .at_least = 0}};
  config::Bool defer_if_no_mx_address_found{
      *this,
      {.name = named("defer_if_no_mx_address_found"),
       .fallback = "no",
       .doc = R"(Keep mail in the queue when no MX host of its domain has an address.)"}};
  config::Str fallback_relay{
      *this,
      {.name = named("fallback_relay"),
       .fallback = either("$fallback_relay", ""),
       .doc = R"(Destinations for mail whose own destination is not found or cannot be reached.)"}};
  config::Str delivery_status_filter{
      *this,
      {.name = named("delivery_status_filter"),
       .fallback = "$default_delivery_status_filter",
       .doc = R"(Tables that replace the status code or the text of delivery results; see
default_delivery_status_filter.)"}};
  config::Str bind_address{*this,
                           {.name = named("bind_address"),
                            .doc = R"(The numerical IPv4 address from which connections are made.)"}};
  config::Str bind_address6{*this,
                            {.name = named("bind_address6"),
                             .doc = R"(The numerical IPv6 address from which connections are made.)"}};
  config::Bool bind_address_enforce{
      *this,
      {.name = named("bind_address_enforce"),
       .fallback = "no",
       .doc =
           R"(Defer mail when a connection cannot be made from that address, instead of making it from another one.)"}};

  config::Bool connection_cache_on_demand{
      *this,
      {.name = named("connection_cache_on_demand"),
       .fallback = "yes",
       .doc =
           R"(Keep a connection for a short time after use, for the next message to the same destination.)"}};
  config::Seconds connection_cache_time_limit{*this,
                                              {.name = named("connection_cache_time_limit"),
                                               .fallback = "2s",
                                               .doc = R"(How long an unused connection is kept.)",
                                               .at_least = 0}};
  config::Seconds connection_reuse_time_limit{
      *this,
      {.name = named("connection_reuse_time_limit"),
       .fallback = "300s",
       .doc = R"(For how long after it was made a connection may be used again.)",
       .at_least = 1}};
  config::Int connection_reuse_count_limit{
      *this,
      {.name = named("connection_reuse_count_limit"),
       .fallback = "0",
       .doc = R"(How many messages a connection may carry; 0 is no limit.)",
       .at_least = 0}};
};

// What exists for SMTP, or for LMTP, or for both under one name.
struct ClientSwitches : config::ParamSet {
  config::Bool smtp_always_send_ehlo{
      *this,
      {.name = "smtp_always_send_ehlo",
       .fallback = "yes",
       .doc = R"(Send EHLO even to servers whose greeting does not mention ESMTP.)"}};
  config::Bool smtp_never_send_ehlo{
      *this, {.name = "smtp_never_send_ehlo", .fallback = "no", .doc = R"(Send HELO only, never EHLO.)"}};
  config::Bool lmtp_assume_final{
      *this,
      {.name = "lmtp_assume_final",
       .fallback = "no",
       .doc = R"(Report delivery to an LMTP server without DSN support as final, not as relayed.)"}};
  config::Str fallback_relay{*this,
                             {.name = "fallback_relay", .doc = R"(The old name of smtp_fallback_relay.)"}};
  config::Str best_mx_transport{
      *this,
      {.name = "best_mx_transport",
       .doc =
           R"(The transport, or transport:nexthop, that takes mail for domains whose best MX host is this one. Empty:
such mail is returned, because it would come back.)"}};
  config::Bool ignore_mx_lookup_error{
      *this,
      {.name = "ignore_mx_lookup_error",
       .fallback = "no",
       .doc = R"(When the MX lookup of a domain fails for the time being, use the domain's own address.)"}};
  config::Bool disable_dns_lookups{
      *this,
      {.name = "disable_dns_lookups",
       .fallback = "no",
       .doc =
           R"(Use no DNS in the SMTP and LMTP clients; the old form of smtp_dns_support_level = disabled.)"}};
  config::Bool disable_mime_output_conversion{
      *this,
      {.name = "disable_mime_output_conversion",
       .fallback = "no",
       .doc = R"(Send 8-bit content unchanged also to servers that do not offer 8BITMIME.)"}};
};

}  // namespace posthouse::delivery
