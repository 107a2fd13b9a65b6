// Parameters of the SMTP server.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::smtpd {

enum class BareNewline : unsigned char { no, normalize, reject, note, yes };

struct Params : config::ParamSet {
  config::Str banner{*this,
                     {.name = "smtpd_banner",
                      .fallback = "$myhostname ESMTP $mail_name",
                      .doc = R"(The text behind the 220 of the greeting. It must start with $myhostname.)"}};
  config::Seconds timeout{
      *this,
      {.name = "smtpd_timeout",
       .fallback = "${stress?{10}:{300}}s",
       .doc = R"(How long the server waits for a command, for more content, or for a reply to be taken.)"}};
  config::Bool per_request_deadline{
      *this,
      {.name = "smtpd_per_request_deadline",
       .fallback = "${smtpd_per_record_deadline?{$smtpd_per_record_deadline}:{${stress?{yes}:{no}}}}",
       .doc =
           R"(smtpd_timeout limits all waiting for a request together, not each wait for some bytes of it: a client
that sends a byte now and then does not keep its session.)"}};
  config::Int min_data_rate{
      *this,
      {.name = "smtpd_min_data_rate",
       .fallback = "500",
       .doc =
           R"(With smtpd_per_request_deadline, the bytes per second at which the content of DATA and BDAT must come: each
piece adds as much time as it may take, up to smtpd_timeout.)",
       .at_least = 1}};
  config::Seconds error_sleep_time{
      *this,
      {.name = "smtpd_error_sleep_time",
       .fallback = "1s",
       .doc =
           R"(The pause before each reply to a client that has made more errors than smtpd_soft_error_limit.)"}};
  config::Int soft_error_limit{
      *this,
      {.name = "smtpd_soft_error_limit",
       .fallback = "10",
       .doc = R"(The number of errors without delivering mail from which replies are slowed down.)",
       .at_least = 1}};
  config::Int hard_error_limit{
      *this,
      {.name = "smtpd_hard_error_limit",
       .fallback = "${stress?{1}:{20}}",
       .doc = R"(The number of errors without delivering mail at which the client is disconnected.)",
       .at_least = 1}};
  config::Int history_flush_threshold{
      *this,
      {.name = "smtpd_history_flush_threshold",
       .fallback = "100",
       .doc =
           R"(The number of lines of a session, commands and replies, that may be kept for notices to the postmaster
(notify_classes) beyond EHLO, HELO, RSET and the end of a message. With more, the record starts anew, after the
postmaster was told of the trouble in it.)",
       .at_least = 1}};
  config::Int junk_command_limit{
      *this,
      {.name = "smtpd_junk_command_limit",
       .fallback = "${stress?{1}:{100}}",
       .doc =
           R"(The number of NOOP, VRFY, ETRN and RSET commands between deliveries from which each counts as an error.)",
       .at_least = 1}};
  config::Int recipient_limit{*this,
                              {.name = "smtpd_recipient_limit",
                               .fallback = "1000",
                               .doc = R"(The greatest number of recipients of one message.)",
                               .at_least = 1}};
  config::Int recipient_overshoot_limit{
      *this,
      {.name = "smtpd_recipient_overshoot_limit",
       .fallback = "1000",
       .doc =
           R"(How many recipients beyond smtpd_recipient_limit are refused before each counts as an error.)",
       .at_least = 0}};
  config::Bool helo_required{*this,
                             {.name = "smtpd_helo_required",
                              .fallback = "no",
                              .doc = R"(Mail is refused from clients that have not said HELO or EHLO.)"}};
  config::Bool delay_reject{
      *this,
      {.name = "smtpd_delay_reject",
       .fallback = "yes",
       .doc = R"(Client, HELO and sender restrictions are applied when a recipient is known.)"}};
  config::Bool peername_lookup{*this,
                               {.name = "smtpd_peername_lookup",
                                .fallback = "yes",
                                .doc = R"(The host name of clients is looked up.)"}};
  config::Bool client_port_logging{*this,
                                   {.name = "smtpd_client_port_logging",
                                    .fallback = "no",
                                    .doc = R"(The client port is logged behind its address.)"}};
  config::Str client_restrictions{
      *this, {.name = "smtpd_client_restrictions", .doc = R"(Restrictions for client connections.)"}};
  config::Str helo_restrictions{
      *this, {.name = "smtpd_helo_restrictions", .doc = R"(Restrictions for HELO and EHLO.)"}};
  config::Str sender_restrictions{
      *this, {.name = "smtpd_sender_restrictions", .doc = R"(Restrictions for MAIL FROM.)"}};
  config::Str relay_restrictions{
      *this,
      {.name = "smtpd_relay_restrictions",
       .fallback = "${{$compatibility_level} <level {1} ? {} : {permit_mynetworks, "
                   "permit_sasl_authenticated, defer_unauth_destination}}",
       .doc = R"(Relay control at RCPT TO, before smtpd_recipient_restrictions.)"}};
  config::Str recipient_restrictions{
      *this, {.name = "smtpd_recipient_restrictions", .doc = R"(Restrictions for RCPT TO.)"}};
  config::Str data_restrictions{*this,
                                {.name = "smtpd_data_restrictions", .doc = R"(Restrictions for DATA.)"}};
  config::Str end_of_data_restrictions{
      *this, {.name = "smtpd_end_of_data_restrictions", .doc = R"(Restrictions after the message content.)"}};
  config::Str etrn_restrictions{*this,
                                {.name = "smtpd_etrn_restrictions", .doc = R"(Restrictions for ETRN.)"}};
  config::Bool relay_first{
      *this,
      {.name = "smtpd_relay_before_recipient_restrictions",
       .fallback = "${{$compatibility_level} <level {3.6} ? {no} : {yes}}",
       .doc = R"(smtpd_relay_restrictions are applied before smtpd_recipient_restrictions.)"}};
  config::List restriction_classes{
      *this,
      {.name = "smtpd_restriction_classes",
       .doc = R"(Names of restriction lists that are main.cf parameters of their own.)"}};
  config::Bool reject_unlisted_recipient{
      *this,
      {.name = "smtpd_reject_unlisted_recipient",
       .fallback = "yes",
       .doc = R"(Unknown recipients are refused even without reject_unlisted_recipient.)"}};
  config::Bool reject_unlisted_sender{
      *this,
      {.name = "smtpd_reject_unlisted_sender",
       .fallback = "no",
       .doc = R"(Unknown senders in own domains are refused even without reject_unlisted_sender.)"}};
  config::Str null_access_key{*this,
                              {.name = "smtpd_null_access_lookup_key",
                               .fallback = "<>",
                               .doc = R"(What access tables are asked for instead of the null sender.)"}};
  config::Str log_permit_actions{
      *this,
      {.name = "smtpd_log_access_permit_actions",
       .doc = R"(Restrictions whose permit is logged: names, !name, /file/name, type:table.)"}};
  config::Bool strict_envelopes{
      *this,
      {.name = "strict_rfc821_envelopes",
       .fallback = "no",
       .doc = R"(Addresses in MAIL FROM and RCPT TO need angle brackets and nothing else around them.)"}};
  config::Bool strict_smtputf8{*this,
                               {.name = "strict_smtputf8",
                                .fallback = "no",
                                .doc = R"(Non-ASCII addresses need the SMTPUTF8 parameter.)"}};
  config::Bool disable_vrfy{
      *this, {.name = "disable_vrfy_command", .fallback = "no", .doc = R"(VRFY is switched off.)"}};
  config::Str forbidden_commands{*this,
                                 {.name = "smtpd_forbidden_commands",
                                  .fallback = "CONNECT GET POST regexp:{{/^[^A-Z]/ Bogus}}",
                                  .doc = R"(Commands that end the session at once.)"}};
  config::List noop_commands{
      *this, {.name = "smtpd_noop_commands", .doc = R"(Commands that are answered 250 and do nothing.)"}};
  config::List discard_keywords{
      *this,
      {.name = "smtpd_discard_ehlo_keywords", .doc = R"(EHLO keywords that are not sent, in any case.)"}};
  config::Str discard_keyword_maps{
      *this,
      {.name = "smtpd_discard_ehlo_keyword_address_maps",
       .doc = R"(Tables by client address with EHLO keywords that are not sent.)"}};
  config::Str verp_clients{
      *this,
      {.name = "smtpd_authorized_verp_clients",
       .fallback = "$authorized_verp_clients",
       .doc =
           R"(Clients that may ask for one sender address per recipient, with XVERP or XVERP=DELIMITERS behind MAIL FROM
(VERP).)"}};
  config::Str command_filter{
      *this,
      {.name = "smtpd_command_filter",
       .doc =
           R"(A table that is asked for each command line of a client and answers with the command that is obeyed in its
place. Against clients that break the protocol, and for tests.)"}};
  config::Bool delay_open{
      *this,
      {.name = "smtpd_delay_open_until_valid_rcpt",
       .fallback = "yes",
       .doc =
           R"(A message is begun in the queue with its first good recipient, not with its sender. Without it recipients
that are refused are logged with the queue id, at the price of a queue file for mail that nobody gets.)"}};
  config::Str dns_reply_filter{
      *this,
      {.name = "smtpd_dns_reply_filter",
       .doc =
           R"(Tables that are asked for each record that the DNS gives to the restrictions, in the form of
smtp_dns_reply_filter; the answer IGNORE drops it. A domain of which nothing is left is not refused for that.)"}};
  config::Bool forbid_unauth_pipelining{
      *this,
      {.name = "smtpd_forbid_unauth_pipelining",
       .fallback = "no",
       .doc = R"(A client that sends commands before it may is disconnected.)"}};
  config::Str bare_newline_exclusions{
      *this,
      {.name = "smtpd_forbid_bare_newline_exclusions",
       .fallback = "$mynetworks",
       .doc = R"(Clients for which smtpd_forbid_bare_newline does not hold.)"}};
  config::Int bare_newline_reject_code{
      *this,
      {.name = "smtpd_forbid_bare_newline_reject_code",
       .fallback = "550",
       .doc = R"(The reply code for a bare newline with smtpd_forbid_bare_newline = reject.)",
       .at_least = 0}};
  config::Raw reject_footer{
      *this, {.name = "smtpd_reject_footer", .doc = R"(Text that is added to 4xx and 5xx replies.)"}};
  config::Str reject_footer_maps{
      *this,
      {.name = "smtpd_reject_footer_maps",
       .doc =
           R"(Tables that are asked for a whole 4xx or 5xx reply and answer with the text that is added to it, in the form
of smtpd_reject_footer, which counts for the others.)"}};
  config::Raw expansion_filter{
      *this,
      {.name = "smtpd_expansion_filter",
       .fallback =
           R"(\t\40!"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~)",
       .doc =
           R"(The characters that may appear in $name expansions of RBL reply templates; others become underscores.)"}};
  config::Raw default_rbl_reply{*this,
                                {.name = "default_rbl_reply",
                                 .fallback = "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked "
                                             "using $rbl_domain${rbl_reason?; $rbl_reason}",
                                 .doc = R"(The reply of reject_rbl_client and its kin.)"}};
  config::Str rbl_reply_maps{*this,
                             {.name = "rbl_reply_maps", .doc = R"(Tables with replies by RBL domain.)"}};
  config::Str mx_backup_networks{
      *this,
      {.name = "permit_mx_backup_networks",
       .doc = R"(Networks in which a primary MX host must be for permit_mx_backup.)"}};
  config::Bool allow_untrusted_routing{
      *this,
      {.name = "allow_untrusted_routing",
       .fallback = "no",
       .doc =
           R"(Addresses with a route in their local part (user@elsewhere@here, user%elsewhere@here) are relayed for
clients that may not relay to where the route leads.)"}};
  config::Str sender_login_maps{
      *this,
      {.name = "smtpd_sender_login_maps",
       .doc =
           R"(Tables with the login names that own a sender address, for reject_sender_login_mismatch and its kin.)"}};
  config::Int access_map_reject_code{*this,
                                     {.name = "access_map_reject_code",
                                      .fallback = "554",
                                      .doc = R"(The code of the REJECT action.)",
                                      .at_least = 0}};
  config::Int access_map_defer_code{*this,
                                    {.name = "access_map_defer_code",
                                     .fallback = "450",
                                     .doc = R"(The code of the DEFER actions.)",
                                     .at_least = 0}};
  config::Int reject_code{*this,
                          {.name = "reject_code",
                           .fallback = "554",
                           .doc = R"(The code of the restriction reject.)",
                           .at_least = 0}};
  config::Int defer_code{*this,
                         {.name = "defer_code",
                          .fallback = "450",
                          .doc = R"(The code of the restriction defer.)",
                          .at_least = 0}};
  config::Int relay_reject_code{*this,
                                {.name = "relay_domains_reject_code",
                                 .fallback = "554",
                                 .doc = R"(The code of reject_unauth_destination.)",
                                 .at_least = 0}};
  config::Int rbl_reject_code{*this,
                              {.name = "maps_rbl_reject_code",
                               .fallback = "554",
                               .doc = R"(The code of reject_rbl_client and its kin.)",
                               .at_least = 0}};
  config::Int multi_bounce_reject_code{*this,
                                       {.name = "multi_recipient_bounce_reject_code",
                                        .fallback = "550",
                                        .doc = R"(The code of reject_multi_recipient_bounce.)",
                                        .at_least = 0}};
  config::Int invalid_hostname_code{*this,
                                    {.name = "invalid_hostname_reject_code",
                                     .fallback = "501",
                                     .doc = R"(The code of reject_invalid_helo_hostname.)",
                                     .at_least = 0}};
  config::Int non_fqdn_code{*this,
                            {.name = "non_fqdn_reject_code",
                             .fallback = "504",
                             .doc = R"(The code of the reject_non_fqdn restrictions.)",
                             .at_least = 0}};
  config::Int plaintext_reject_code{*this,
                                    {.name = "plaintext_reject_code",
                                     .fallback = "450",
                                     .doc = R"(The code of reject_plaintext_session.)",
                                     .at_least = 0}};
  config::Int unknown_address_code{
      *this,
      {.name = "unknown_address_reject_code",
       .fallback = "450",
       .doc = R"(The code of reject_unknown_sender_domain and reject_unknown_recipient_domain.)",
       .at_least = 0}};
  config::Int unknown_client_code{*this,
                                  {.name = "unknown_client_reject_code",
                                   .fallback = "450",
                                   .doc = R"(The code of reject_unknown_client_hostname.)",
                                   .at_least = 0}};
  config::Int unknown_hostname_code{*this,
                                    {.name = "unknown_hostname_reject_code",
                                     .fallback = "450",
                                     .doc = R"(The code of reject_unknown_helo_hostname.)",
                                     .at_least = 0}};
  config::Int unknown_local_code{*this,
                                 {.name = "unknown_local_recipient_reject_code",
                                  .fallback = "550",
                                  .doc = R"(The code for unknown local recipients.)",
                                  .at_least = 0}};
  config::Int unknown_relay_code{*this,
                                 {.name = "unknown_relay_recipient_reject_code",
                                  .fallback = "550",
                                  .doc = R"(The code for unknown recipients in relay_domains.)",
                                  .at_least = 0}};
  config::Int unknown_virtual_alias_code{
      *this,
      {.name = "unknown_virtual_alias_reject_code",
       .fallback = "550",
       .doc = R"(The code for unknown recipients in virtual_alias_domains.)",
       .at_least = 0}};
  config::Int unknown_virtual_mailbox_code{
      *this,
      {.name = "unknown_virtual_mailbox_reject_code",
       .fallback = "550",
       .doc = R"(The code for unknown recipients in virtual_mailbox_domains.)",
       .at_least = 0}};
  config::Int unverified_recipient_code{
      *this,
      {.name = "unverified_recipient_reject_code",
       .fallback = "450",
       .doc = R"(The code for recipients that a probe found undeliverable.)",
       .at_least = 0}};
  config::Int unverified_recipient_defer_code{
      *this,
      {.name = "unverified_recipient_defer_code",
       .fallback = "450",
       .doc = R"(The code for recipients whose probe has no result yet.)",
       .at_least = 0}};
  config::Int unverified_sender_code{*this,
                                     {.name = "unverified_sender_reject_code",
                                      .fallback = "450",
                                      .doc = R"(The code for senders that a probe found undeliverable.)",
                                      .at_least = 0}};
  config::Int unverified_sender_defer_code{*this,
                                           {.name = "unverified_sender_defer_code",
                                            .fallback = "450",
                                            .doc = R"(The code for senders whose probe has no result yet.)",
                                            .at_least = 0}};
  config::Str unverified_recipient_reason{
      *this,
      {.name = "unverified_recipient_reject_reason",
       .doc = R"(The text for unverified recipients instead of the result of the probe.)"}};
  config::Str unverified_sender_reason{
      *this,
      {.name = "unverified_sender_reject_reason",
       .doc = R"(The text for unverified senders instead of the result of the probe.)"}};
  config::Str tempfail_action{
      *this,
      {.name = "reject_tempfail_action",
       .fallback = "defer_if_permit",
       .doc = R"(What a restriction does when a table or the DNS fails: defer or defer_if_permit.)"}};
  config::Str unknown_address_tempfail{
      *this,
      {.name = "unknown_address_tempfail_action",
       .fallback = "$reject_tempfail_action",
       .doc = R"(The same for reject_unknown_sender_domain and reject_unknown_recipient_domain.)"}};
  config::Str unknown_helo_tempfail{*this,
                                    {.name = "unknown_helo_hostname_tempfail_action",
                                     .fallback = "$reject_tempfail_action",
                                     .doc = R"(The same for reject_unknown_helo_hostname.)"}};
  config::Str unverified_recipient_tempfail{*this,
                                            {.name = "unverified_recipient_tempfail_action",
                                             .fallback = "$reject_tempfail_action",
                                             .doc = R"(The same for reject_unverified_recipient.)"}};
  config::Str unverified_sender_tempfail{*this,
                                         {.name = "unverified_sender_tempfail_action",
                                          .fallback = "$reject_tempfail_action",
                                          .doc = R"(The same for reject_unverified_sender.)"}};
  config::Int verify_poll_count{
      *this,
      {.name = "address_verify_poll_count",
       .fallback = "${stress?{1}:{3}}",
       .doc = R"(How often the verification service is asked for the result of a probe.)",
       .at_least = 1}};
  config::Seconds verify_poll_delay{*this,
                                    {.name = "address_verify_poll_delay",
                                     .fallback = "3s",
                                     .doc = R"(The pause between these questions.)"}};
  config::Bytes queue_minfree{
      *this,
      {.name = "queue_minfree",
       .fallback = "0",
       .doc = R"(The free space, in bytes, that the queue file system must have for mail to be accepted.)"}};
  config::Str policy_default_action{*this,
                                    {.name = "smtpd_policy_service_default_action",
                                     .fallback = "451 4.3.5 Server configuration problem",
                                     .doc = R"(The action when a policy service cannot be asked.)"}};
  config::Str policy_context{*this,
                             {.name = "smtpd_policy_service_policy_context",
                              .doc = R"(The policy_context attribute of policy requests.)"}};
  config::Seconds policy_timeout{*this,
                                 {.name = "smtpd_policy_service_timeout",
                                  .fallback = "100s",
                                  .doc = R"(The time limit of a question to a policy service.)"}};
  config::Seconds policy_max_idle{
      *this,
      {.name = "smtpd_policy_service_max_idle",
       .fallback = "300s",
       .doc = R"(How long a connection to a policy service is kept without being used.)"}};
  config::Seconds policy_max_ttl{*this,
                                 {.name = "smtpd_policy_service_max_ttl",
                                  .fallback = "1000s",
                                  .doc = R"(How long a connection to a policy service is used.)"}};
  config::Int policy_request_limit{
      *this,
      {.name = "smtpd_policy_service_request_limit",
       .fallback = "0",
       .doc = R"(How many questions one connection to a policy service carries; 0 is no limit.)",
       .at_least = 0}};
  config::Int policy_try_limit{*this,
                               {.name = "smtpd_policy_service_try_limit",
                                .fallback = "2",
                                .doc = R"(How often a question to a policy service is tried.)",
                                .at_least = 1}};
  config::Seconds policy_retry_delay{*this,
                                     {.name = "smtpd_policy_service_retry_delay",
                                      .fallback = "1s",
                                      .doc = R"(The pause between these tries.)"}};
  config::Str local_header_rewrite_clients{
      *this,
      {.name = "local_header_rewrite_clients",
       .fallback = "permit_inet_interfaces",
       .doc =
           R"(Clients whose message headers are rewritten as those of local mail: permit_mynetworks, permit_inet_interfaces, check_address_map and others.)"}};
  config::List receive_override_options{
      *this,
      {.name = "receive_override_options",
       .doc =
           R"(Switches that leave out parts of receiving: no_unknown_recipient_checks, no_address_mappings, no_header_body_checks, no_milters.)"}};
  config::Str content_filter{
      *this,
      {.name = "content_filter",
       .doc = R"(transport:destination of a filter that receives all mail after it was queued.)"}};
  config::Str local_recipient_maps{
      *this,
      {.name = "local_recipient_maps",
       .fallback = "proxy:unix:passwd.byname $alias_maps",
       .doc = R"(Tables with all local recipients; empty switches the check off.)"}};
  config::Str relay_recipient_maps{
      *this,
      {.name = "relay_recipient_maps",
       .doc = R"(Tables with all recipients in relay_domains; empty switches the check off.)"}};
  config::List xclient_hosts{
      *this, {.name = "smtpd_authorized_xclient_hosts", .doc = R"(Clients that may use XCLIENT.)"}};
  config::List xforward_hosts{
      *this, {.name = "smtpd_authorized_xforward_hosts", .doc = R"(Clients that may use XFORWARD.)"}};
  config::Int connection_count_limit{
      *this,
      {.name = "smtpd_client_connection_count_limit",
       .fallback = "50",
       .doc = R"(How many connections at once a client may have, as counted by one process; IPv6 clients are
counted by /64 network. 0 is no limit.)",
       .at_least = 0}};
  config::Int connection_rate_limit{
      *this,
      {.name = "smtpd_client_connection_rate_limit",
       .fallback = "0",
       .doc =
           R"(How many connections a client may make in anvil_rate_time_unit, counted like those of
smtpd_client_connection_count_limit. 0 is no limit.)",
       .at_least = 0}};
  config::Int message_rate_limit{
      *this,
      {.name = "smtpd_client_message_rate_limit",
       .fallback = "0",
       .doc =
           R"(How many messages a client may begin (MAIL FROM) in anvil_rate_time_unit, accepted or not; counted in the same
way. 0 is no limit.)",
       .at_least = 0}};
  config::Int recipient_rate_limit{
      *this,
      {.name = "smtpd_client_recipient_rate_limit",
       .fallback = "0",
       .doc =
           R"(How many recipients a client may name (RCPT TO) in anvil_rate_time_unit, accepted or not; counted in the same
way. 0 is no limit.)",
       .at_least = 0}};
  config::Seconds rate_time_unit{
      *this,
      {.name = "anvil_rate_time_unit",
       .fallback = "60s",
       .doc =
           R"(The time in which the rates of clients are counted. It begins with what a client does first.)",
       .at_least = 1}};
  config::Str event_limit_exceptions{*this,
                                     {.name = "smtpd_client_event_limit_exceptions",
                                      .fallback = "${smtpd_client_connection_limit_exceptions:$mynetworks}",
                                      .doc = R"(Clients without limits of connections and rates.)"}};
  config::Choice<BareNewline> forbid_bare_newline{
      *this,
      {.name = "smtpd_forbid_bare_newline",
       .fallback = "normalize",
       .doc =
           R"(Lines that end with LF without CR: no takes them as line ends everywhere, even around the final dot; normalize takes
them as line ends but only CRLF.CRLF ends a message; reject (or yes) refuses the message and ends the session; note only logs.)",
       .words = {"no", "normalize", "reject", "note", "yes"}}};
};

}  // namespace posthouse::smtpd
