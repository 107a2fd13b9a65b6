// Everything the configuration says, made once at start and shared by all sessions.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/command/verp_parameters.h"
#include "lib/config/core_parameters.h"
#include "lib/config/own_addresses.h"
#include "lib/dns/message.h"
#include "lib/peers/session_notice.h"
#include "lib/peers/verify_sender.h"
#include "lib/protocol/smtp_data.h"
#include "lib/service/service.h"
#include "lib/table/address_lookup.h"
#include "lib/table/match_list.h"
#include "smtpd/client.h"
#include "smtpd/parameters.h"

namespace posthouse::smtpd {

class Session;
class Check;
class PolicyClients;
struct Restriction;
using Restrictions = std::vector<Restriction>;

struct Lists {
  Restrictions client, helo, sender, relay, recipient, data, end_of_data, etrn;
};

struct Settings {
  ~Settings();

  std::shared_ptr<const Params> params;           // normal
  std::shared_ptr<const Params> stressed_params;  // with $stress = yes
  std::shared_ptr<const config::Identity> identity;
  peers::Services services;
  mail::LogForm log_form = mail::LogForm::external;
  std::shared_ptr<const config::Messages> messages;
  peers::SessionNoticeRules notices;  // no class in stand-alone mode
  std::shared_ptr<const config::MainCf> main_cf;
  std::unique_ptr<table::Tables> tables;

  table::MatchList mynetworks, mydestination, fast_flush_domains;
  table::MatchList forbidden_commands, bare_newline_exclusions;
  table::MatchList xclient_hosts, xforward_hosts, verp_clients;
  table::MatchList mx_backup_networks, event_limit_exceptions;
  table::MatchList logged_permits;         // smtpd_log_access_permit_actions
  std::vector<dns::Type> address_types;    // of inet_protocols
  table::TableList header_rewrite_tables;  // of local_header_rewrite_clients
  bool header_rewrite_own_interfaces = false;
  bool header_rewrite_mynetworks = false;
  config::OwnAddresses own_addresses;  // of inet_interfaces and proxy_interfaces
  table::TableList local_recipients, relay_recipients, virtual_mailboxes, virtual_aliases;
  table::TableList canonical, recipient_canonical, sender_canonical;
  table::TableList rbl_replies, discard_keyword_maps, login_maps, reject_footer_maps, dns_reply_filter;
  std::shared_ptr<table::Table> command_filter;  // null: none
  std::shared_ptr<const command::VerpParameters> verp;
  // Lists that stand as results in access tables, by their text; null: not a list.
  std::map<std::string, std::unique_ptr<const Restrictions>, std::less<>> result_lists;
  std::unique_ptr<PolicyClients> policy;
  Lists lists;
  table::AddressRules address_rules;
  std::uint32_t cleanup_flags = 0;
  bool checks_unknown_recipients = true;
  bool access_parent_matches_subdomains = true;
  bool allows_untrusted_routing = false;
  bool allows_min_user = false;  // addresses may start with "-"
  bool shows_table_name = true;
  bool has_sasl = false;  // clients may be meant to log in
  // With the user who started us, and who is not the mail system: no access control, mail goes to postdrop.
  bool is_user_session = false;
  bool params_are_stressed = false;                 // "-o stress=yes"
  std::optional<peers::VerifySender> probe_sender;  // of probes to other hosts, which may ask about it
  std::string expansion_filter;
  std::string queue_directory = ".";
  std::string service_name;  // for logs

  const Params& current_params() const;  // by the load of this process
  // A table that cannot answer is a failure, here and below: never "no".
  Result<bool> may_use(const table::MatchList& hosts, const Client& client) const;
  Result<bool> is_in_mynetworks(const Client& client) const;
  bool is_own_address(std::string_view address) const;
  Result<bool> rewrites_headers_locally(const Client& client) const;
  bool forbids_bare_newline(const Session& session) const;  // reject or yes
  protocol::EndOfData end_of_data_rule(const Session& session) const;
  Result<std::set<std::string>> discarded_keywords(const Client& client) const;
  bool logs_permit(std::string_view restriction) const;
  std::uint64_t free_space() const;  // in the queue's file system, a tenth of a second ago at most

 private:
  mutable std::uint64_t free_space_ = 0;
  mutable std::chrono::steady_clock::time_point free_space_until_;
};

// All mistakes of the configuration in one failure text, separated by "; ".
Result<std::shared_ptr<Settings>> load_settings(const service::Environment& environment);

}  // namespace posthouse::smtpd
