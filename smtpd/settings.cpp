#include "smtpd/settings.h"

#include <pwd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/log/log.h"
#include "lib/peers/verify_parameters.h"
#include "lib/runtime/stream.h"
#include "lib/table/local_domain.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"
#include "smtpd/policy_client.h"
#include "smtpd/restriction_table.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {

namespace {
constexpr auto kFreeSpaceInterval = std::chrono::milliseconds(100);
}  // namespace

Settings::~Settings() = default;

const Params& Settings::current_params() const {
  // As in the reference: stress begins when the last free session is being used.
  const std::size_t limit = service::session_limit();
  const bool is_stressed = limit > 0 && service::sessions_in_use() >= limit;
  return is_stressed || params_are_stressed ? *stressed_params : *params;
}

Result<bool> Settings::may_use(const table::MatchList& hosts, const Client& client) const {
  if (hosts.empty()) return false;
  return hosts.matches(client.name, client.address);
}

Result<bool> Settings::is_in_mynetworks(const Client& client) const {
  return mynetworks.matches(client.name, client.address);
}

bool Settings::is_own_address(std::string_view address) const {
  return own_addresses.contains(address);
}

Result<bool> Settings::rewrites_headers_locally(const Client& client) const {
  if (header_rewrite_own_interfaces && is_own_address(client.address)) return true;
  if (header_rewrite_mynetworks) {
    auto is_near = is_in_mynetworks(client);
    if (!is_near || *is_near) return is_near;
  }
  if (header_rewrite_tables.empty()) return false;
  auto found = header_rewrite_tables.lookup(client.address);
  if (auto* trouble = std::get_if<Failure>(&found)) return fail(std::move(*trouble));
  return std::holds_alternative<std::string>(found);
}

bool Settings::forbids_bare_newline(const Session& session) const {
  const BareNewline rule = session.params().forbid_bare_newline();
  if (rule != BareNewline::reject && rule != BareNewline::yes) return false;
  return !bare_newline_exclusions.matches(session.client.name, session.client.address).value_or(false);
}

protocol::EndOfData Settings::end_of_data_rule(const Session& session) const {
  const BareNewline rule = session.params().forbid_bare_newline();
  if (rule == BareNewline::no || rule == BareNewline::note) return protocol::EndOfData::lenient;
  const bool is_excluded =
      bare_newline_exclusions.matches(session.client.name, session.client.address).value_or(false);
  return is_excluded ? protocol::EndOfData::lenient : protocol::EndOfData::strict;
}

Result<std::set<std::string>> Settings::discarded_keywords(const Client& client) const {
  std::set<std::string> keywords;
  for (const std::string& word : current_params().discard_keywords()) keywords.insert(lower(word));
  if (discard_keyword_maps.empty()) return keywords;
  auto found = discard_keyword_maps.lookup(client.address);
  if (auto* trouble = std::get_if<Failure>(&found)) return fail(std::move(*trouble));
  if (const auto* text = std::get_if<std::string>(&found)) {
    keywords.clear();
    for (const std::string_view word : split_any(*text)) keywords.insert(lower(word));
  }
  return keywords;
}

bool Settings::logs_permit(std::string_view restriction) const {
  return !logged_permits.empty() && logged_permits.matches(restriction).value_or(false);
}

std::uint64_t Settings::free_space() const {
  const auto now = std::chrono::steady_clock::now();
  if (now < free_space_until_) return free_space_;
  struct statvfs status {};
  if (::statvfs(queue_directory.c_str(), &status) != 0) return UINT64_MAX;
  free_space_until_ = now + kFreeSpaceInterval;
  free_space_ = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  return free_space_;
}

namespace {

// "\t", "\40" and the like in smtpd_expansion_filter.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    const char c = text[++i];
    int value = 0;
    std::size_t digits = 0;
    while (digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7') {
      value = value * 8 + (text[i + digits++] - '0');
    }
    if (digits > 0) {
      result += static_cast<char>(value);
      i += digits - 1;
    } else {
      result += c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
    }
  }
  return result;
}

bool is_mail_owner(const std::string& owner) {
  const passwd* account = ::getpwnam(owner.c_str());
  return account && account->pw_uid == ::getuid();
}

class Loader {
 public:
  explicit Loader(const service::Environment& environment)
      : environment_(environment), main_cf_(*environment.main_cf), settings_(std::make_shared<Settings>()) {}

  Result<std::shared_ptr<Settings>> load() {
    if (auto loaded = load_parameters(); !loaded) return fail(std::move(loaded.error()));
    load_notice_rules();
    make_tables();
    make_match_lists();
    make_table_lists();
    make_own_addresses();
    make_header_rewrite_clients();
    make_cleanup_flags();
    make_restrictions();
    if (problems_.empty()) return settings_;
    return fail(Failure::deferred("4.3.5", join(problems_, "\n")));
  }

 private:
  template <class Set>
  std::shared_ptr<const Set> must_load(const config::MainCf& main_cf) {
    auto set = config::load<Set>(main_cf);
    if (set) return *set;
    for (const config::Problem& problem : set.error()) problems_.push_back(problem.text());
    return nullptr;
  }

  Result<void> load_parameters() {
    settings_->main_cf = environment_.main_cf;
    settings_->service_name = environment_.service_name;
    settings_->params = must_load<Params>(main_cf_);
    settings_->stressed_params = must_load<Params>(main_cf_.with("stress", "yes"));
    settings_->identity = must_load<config::Identity>(main_cf_);
    settings_->messages = must_load<config::Messages>(main_cf_);
    const auto logging = must_load<config::Logging>(main_cf_);
    load_verp_delimiters();
    if (!problems_.empty()) return fail(Failure::deferred("4.3.5", join(problems_, "\n")));
    settings_->log_form = logging->info_log_address_format();
    auto services = peers::load_services(main_cf_);
    if (!services) return fail(std::move(services.error()));
    settings_->services = std::move(*services);
    settings_->params_are_stressed = main_cf_.value("stress") == "yes";
    settings_->has_sasl = main_cf_.value("smtpd_sasl_auth_enable") == "yes";
    if (environment_.is_stand_alone) {
      const auto rights = must_load<config::Rights>(main_cf_);
      settings_->is_user_session = rights && !is_mail_owner(rights->mail_owner());
    }
    settings_->policy = std::make_unique<PolicyClients>();
    settings_->expansion_filter = unescaped(settings_->params->expansion_filter());
    settings_->shows_table_name = main_cf_.value("show_user_unknown_table_name") != "no";
    settings_->allows_min_user = main_cf_.value("allow_min_user") == "yes";
    settings_->allows_untrusted_routing = settings_->params->allow_untrusted_routing();
    return {};
  }

  void load_verp_delimiters() {
    settings_->verp = must_load<command::VerpParameters>(main_cf_);
    if (!settings_->verp || settings_->verp->allows(settings_->verp->default_verp_delimiters())) return;
    problems_.push_back("default_verp_delimiters: expected two characters from " +
                        settings_->verp->verp_delimiter_filter());
  }

  void make_tables() {
    auto tables = table::settings_from(environment_.main_cf);
    if (tables) {
      settings_->tables = std::make_unique<table::Tables>(std::move(*tables), table::all_types());
      return;
    }
    for (const config::Problem& problem : tables.error()) problems_.push_back(problem.text());
    settings_->tables = std::make_unique<table::Tables>(table::Settings{}, table::all_types());
  }

  table::MatchList match_list(std::string_view name, table::MatchList::Kind kind) {
    return match_list(name, main_cf_.value(name), kind);
  }
  table::MatchList match_list(std::string_view name, const std::string& text, table::MatchList::Kind kind) {
    table::MatchList::Options options;
    options.kind = kind;
    options.parent_matches_subdomains =
        table::parent_domain_matches(main_cf_.value("parent_domain_matches_subdomains"), name);
    return table::MatchList(*settings_->tables, name, text, options);
  }

  void make_match_lists() {
    using Kind = table::MatchList::Kind;
    Settings& s = *settings_;
    s.mynetworks = match_list("mynetworks", Kind::address);
    s.mydestination = match_list("mydestination", Kind::string);
    s.fast_flush_domains = match_list("fast_flush_domains", Kind::domain);
    s.forbidden_commands =
        match_list("smtpd_forbidden_commands", s.params->forbidden_commands(), Kind::string);
    s.bare_newline_exclusions = match_list("smtpd_forbid_bare_newline_exclusions",
                                           s.params->bare_newline_exclusions(), Kind::address);
    s.xclient_hosts = match_list("smtpd_authorized_xclient_hosts", Kind::address);
    s.xforward_hosts = match_list("smtpd_authorized_xforward_hosts", Kind::address);
    s.verp_clients = match_list("smtpd_authorized_verp_clients", s.params->verp_clients(), Kind::address);
    s.event_limit_exceptions =
        match_list("smtpd_client_event_limit_exceptions", s.params->event_limit_exceptions(), Kind::address);
    s.mx_backup_networks =
        match_list("permit_mx_backup_networks", s.params->mx_backup_networks(), Kind::address);
    s.logged_permits =
        match_list("smtpd_log_access_permit_actions", s.params->log_permit_actions(), Kind::string);
    s.access_parent_matches_subdomains =
        table::parent_domain_matches(main_cf_.value("parent_domain_matches_subdomains"), "smtpd_access_maps");
  }

  table::TableList table_list(std::string_view name) {
    return table::TableList(*settings_->tables, name, main_cf_.value(name));
  }

  void make_table_lists() {
    Settings& s = *settings_;
    s.local_recipients = table_list("local_recipient_maps");
    s.relay_recipients = table_list("relay_recipient_maps");
    s.virtual_mailboxes = table_list("virtual_mailbox_maps");
    s.virtual_aliases = table_list("virtual_alias_maps");
    s.canonical = table_list("canonical_maps");
    s.recipient_canonical = table_list("recipient_canonical_maps");
    s.sender_canonical = table_list("sender_canonical_maps");
    s.rbl_replies = table_list("rbl_reply_maps");
    s.login_maps = table_list("smtpd_sender_login_maps");
    s.discard_keyword_maps = table_list("smtpd_discard_ehlo_keyword_address_maps");
    s.reject_footer_maps = table_list("smtpd_reject_footer_maps");
    s.dns_reply_filter = table_list("smtpd_dns_reply_filter");
    if (const auto filter = trim(s.params->command_filter()); !filter.empty())
      s.command_filter = s.tables->open_or_failing(filter, table::kLookupFlags | table::Flag::empty_key);
    table::AddressRules& rules = s.address_rules;
    rules.recipient_delimiter = s.messages->recipient_delimiter();
    rules.owner_request_special = s.messages->owner_request_special();
    rules.myorigin = s.identity->myorigin();
    rules.double_bounce_sender = s.identity->double_bounce_sender();
    Settings* const self = settings_.get();
    rules.is_local_domain = [self](std::string_view domain) {
      return table::is_local_domain(domain, self->mydestination, self->own_addresses);
    };
  }

  void load_notice_rules() {
    if (settings_->is_user_session) return;  // cleanup may not be there
    auto rules = peers::load_session_notice_rules(main_cf_);
    if (rules)
      settings_->notices = *std::move(rules);
    else
      problems_.push_back(rules.error().text);
  }

  void make_own_addresses() {
    if (auto probes = must_load<peers::VerifyParameters>(main_cf_); probes && settings_->identity) {
      settings_->probe_sender.emplace(probes->address_verify_sender(), probes->address_verify_sender_ttl(),
                                      settings_->identity->myorigin());
    }
    if (auto networks = must_load<config::Networks>(main_cf_)) {
      settings_->own_addresses = config::OwnAddresses(main_cf_.host(), *networks);
      for (const std::string& protocol : config::split_list(networks->inet_protocols())) {
        if (protocol != "ipv6") settings_->address_types.push_back(dns::Type::a);
        if (protocol != "ipv4") settings_->address_types.push_back(dns::Type::aaaa);
      }
    }
  }

  void make_header_rewrite_clients() {
    std::string tables;
    const auto words = config::split_list(settings_->params->local_header_rewrite_clients());
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "permit_inet_interfaces") {
        settings_->header_rewrite_own_interfaces = true;
      } else if (words[i] == "permit_mynetworks") {
        settings_->header_rewrite_mynetworks = true;
      } else if (words[i] == "check_address_map" && i + 1 < words.size()) {
        tables += " " + words[++i];
      } else if (words[i].find(':') != std::string::npos) {
        tables += " " + words[i];
      } else if (!words[i].starts_with("permit_sasl") && !words[i].starts_with("permit_tls")) {
        problems_.push_back("local_header_rewrite_clients: unknown restriction: \"" + words[i] + "\"");
      }
    }
    settings_->header_rewrite_tables =
        table::TableList(*settings_->tables, "local_header_rewrite_clients", tables);
  }

  void make_cleanup_flags() {
    namespace flag = ipc::cleanup_flag;
    std::uint32_t flags =
        flag::kFilter | flag::kBcc | flag::kMap | flag::kMilter | flag::kSmtpReply | flag::kAutoUtf8;
    Settings& s = *settings_;
    s.checks_unknown_recipients = s.params->reject_unlisted_recipient();
    for (const std::string& option : s.params->receive_override_options()) {
      if (option == "no_unknown_recipient_checks") {
        s.checks_unknown_recipients = false;
      } else if (option == "no_address_mappings") {
        flags &= ~(flag::kMap | flag::kBcc);
      } else if (option == "no_header_body_checks") {
        flags &= ~flag::kFilter;
      } else if (option == "no_milters") {
        flags &= ~flag::kMilter;
      } else {
        problems_.push_back("receive_override_options: unknown option: \"" + option + "\"");
      }
    }
    s.cleanup_flags = flags;
  }

  void make_restrictions() {
    Settings& s = *settings_;
    const Params& p = *s.params;
    RestrictionParser parser(s);
    s.lists.client = parser.parse("smtpd_client_restrictions", p.client_restrictions());
    s.lists.helo = parser.parse("smtpd_helo_restrictions", p.helo_restrictions());
    s.lists.sender = parser.parse("smtpd_sender_restrictions", p.sender_restrictions());
    s.lists.relay = parser.parse("smtpd_relay_restrictions", p.relay_restrictions());
    s.lists.recipient = parser.parse("smtpd_recipient_restrictions", p.recipient_restrictions());
    s.lists.data = parser.parse("smtpd_data_restrictions", p.data_restrictions());
    s.lists.end_of_data = parser.parse("smtpd_end_of_data_restrictions", p.end_of_data_restrictions());
    s.lists.etrn = parser.parse("smtpd_etrn_restrictions", p.etrn_restrictions());
    problems_.insert(problems_.end(), parser.problems().begin(), parser.problems().end());
    if (!s.is_user_session && !has_relay_guard(s.lists.relay) && !has_relay_guard(s.lists.recipient)) {
      problems_.emplace_back(
          "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one "
          "working "
          "instance of: reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit "
          "or "
          "check_relay_domains");
    }
  }

  // What stands behind "permit" is never reached.
  static bool has_relay_guard(const Restrictions& list) {
    for (const Restriction& restriction : list) {
      const std::string name = lower(restriction.name);
      if (name == "permit") return false;
      for (const std::string_view guard : {"reject_unauth_destination", "defer_unauth_destination", "reject",
                                           "defer", "defer_if_permit", "check_relay_domains"}) {
        if (name == guard) return true;
      }
    }
    return false;
  }

  const service::Environment& environment_;
  const config::MainCf& main_cf_;
  std::shared_ptr<Settings> settings_;
  std::vector<std::string> problems_;
};

}  // namespace

Result<std::shared_ptr<Settings>> load_settings(const service::Environment& environment) {
  return Loader(environment).load();
}

}  // namespace posthouse::smtpd
