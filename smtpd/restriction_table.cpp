#include "smtpd/restriction_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/runtime/fiber.h"
#include "smtpd/destinations.h"
#include "smtpd/name_checks.h"
#include "smtpd/policy_check.h"
#include "smtpd/rbl.h"

namespace posthouse::smtpd {
namespace {

constexpr int kDepthLimit = 100;

struct Simple {
  std::string_view name;
  Outcome (*apply)(Check&);
  bool decides = true;  // as in Restriction
};

Outcome permit_client(Check& check, std::string_view restriction) {
  const Check::About about(check, Subject::client);
  check.log_permit(restriction, "");
  return Outcome::permit;
}

Outcome nobody(Check&) {
  return Outcome::dunno;  // no session is authenticated or encrypted yet
}

Outcome reject_plainly(Check& check) {
  return check.reject(check.params().reject_code(), "5.7.1",
                      check.rejected(check.subject(), "Access denied"));
}

Outcome defer_plainly(Check& check) {
  return check.reject(check.params().defer_code(), "4.3.2",
                      check.rejected(check.subject(), "Try again later"));
}

Outcome defer_if_permit(Check& check) {
  check.defer_if_permit(reply_of(450, "4.7.0", check.rejected(check.subject(), "defer_if_permit requested")));
  return Outcome::dunno;
}

Outcome defer_if_reject(Check& check) {
  check.defer_if_reject(reply_of(450, "4.7.0", check.rejected(check.subject(), "defer_if_reject requested")));
  return Outcome::dunno;
}

Outcome permit_mynetworks(Check& check) {
  const auto is_near = check.settings().is_in_mynetworks(check.session().client);
  if (!is_near) return check.table_trouble(check.subject());
  return *is_near ? permit_client(check, "permit_mynetworks") : Outcome::dunno;
}

Outcome permit_inet_interfaces(Check& check) {
  const bool is_own = check.settings().is_own_address(check.session().client.address);
  return is_own ? permit_client(check, "permit_inet_interfaces") : Outcome::dunno;
}

Outcome reject_unauth_pipelining(Check& check) {
  if (!check.session().has_improper_pipelining) return Outcome::dunno;
  return check.reject(503, "5.5.0",
                      check.rejected(check.subject(), "Improper use of SMTP command pipelining"));
}

Outcome reject_multi_recipient_bounce(Check& check) {
  const auto& transaction = check.session().transaction;
  if (!transaction || !transaction->sender.empty()) return Outcome::dunno;
  // At RCPT the recipient being judged is one more.
  const std::size_t count = transaction->recipients.size() + (check.session().where == "RCPT" ? 1 : 0);
  if (count < 2) return Outcome::dunno;
  return check.reject(check.params().multi_bounce_reject_code(), "5.5.3",
                      check.rejected(check.subject(), "Multi-recipient bounce"));
}

Outcome reject_plaintext_session(Check& check) {
  return check.reject(check.params().plaintext_reject_code(), "4.7.1", "Session encryption is required");
}

// The login restrictions say nothing where nobody can log in.
bool is_without_login(const Check& check, std::string_view restriction) {
  if (check.settings().has_sasl) return false;
  log::warning("restriction `{}' ignored: no SASL support", restriction);
  return true;
}

// Nobody is logged in: a sender that has owners is refused.
Outcome refuse_owned_sender(Check& check) {
  const auto& transaction = check.session().transaction;
  if (!transaction || transaction->sender.empty() || check.settings().login_maps.empty())
    return Outcome::dunno;
  const auto found =
      table::find_address(check.settings().login_maps, transaction->sender, check.settings().address_rules);
  if (std::holds_alternative<Failure>(found)) return check.table_trouble(Subject::sender);
  if (std::holds_alternative<NotFound>(found)) return Outcome::dunno;
  return check.reject(553, "5.7.1", check.rejected(Subject::sender, "not logged in"));
}

constexpr std::string_view kKnownLogin = "reject_known_sender_login_mismatch";
constexpr std::string_view kWithLogin = "reject_authenticated_sender_login_mismatch";
constexpr std::string_view kWithoutLogin = "reject_unauthenticated_sender_login_mismatch";

Outcome reject_login_mismatch_of_others(Check& check) {
  return is_without_login(check, kWithoutLogin) ? Outcome::dunno : refuse_owned_sender(check);
}

Outcome reject_login_mismatch(Check& check) {
  is_without_login(check, kWithLogin);
  return reject_login_mismatch_of_others(check);
}

// An address was once enough to be let in.
Outcome permit_naked_ip_address(Check& check) {
  log::warning(
      "restriction permit_naked_ip_address is deprecated. Use permit_mynetworks or permit_sasl_authenticated "
      "instead");
  const auto& helo_name = check.session().helo_name;
  return helo_name && mail::is_ip_address(*helo_name) ? Outcome::permit : Outcome::dunno;
}

// The name that smtpd_relay_restrictions had before there were any.
Outcome check_relay_domains(Check& check) {
  static bool is_told = false;  // once a process is enough
  if (!std::exchange(is_told, true)) {
    log::warning(
        "support for restriction \"check_relay_domains\" will be removed from Postfix; use "
        "\"reject_unauth_destination\" instead");
  }
  if (check.session().recipient.empty()) return Outcome::dunno;
  const Outcome outcome = permit_auth_destination(check);
  if (outcome != Outcome::dunno) return outcome;
  return check.reject(check.params().relay_reject_code(), "5.7.1",
                      check.rejected(Subject::recipient, "Relay access denied"));
}

constexpr std::array kSimple{
    Simple{"permit", [](Check&) { return Outcome::permit; }},
    Simple{"reject", reject_plainly},
    Simple{"defer", defer_plainly},
    Simple{"defer_if_permit", defer_if_permit},
    Simple{"defer_if_reject", defer_if_reject},
    Simple{"permit_mynetworks", permit_mynetworks, false},
    Simple{"permit_inet_interfaces", permit_inet_interfaces, false},
    Simple{"permit_sasl_authenticated", nobody},
    Simple{"permit_tls_clientcerts", nobody},
    Simple{"permit_tls_all_clientcerts", nobody},
    Simple{"permit_naked_ip_address", permit_naked_ip_address},
    Simple{"reject_unknown_client_hostname", reject_unknown_client_hostname},
    Simple{"reject_unknown_client", reject_unknown_client_hostname},
    Simple{"reject_unknown_reverse_client_hostname", reject_unknown_reverse_client_hostname},
    Simple{"reject_unauth_pipelining", reject_unauth_pipelining},
    Simple{"reject_plaintext_session", reject_plaintext_session},
    Simple{"reject_multi_recipient_bounce", reject_multi_recipient_bounce},
    Simple{"reject_invalid_helo_hostname", reject_invalid_helo_hostname},
    Simple{"reject_invalid_hostname", reject_invalid_helo_hostname},
    Simple{"reject_non_fqdn_helo_hostname", reject_non_fqdn_helo_hostname},
    Simple{"reject_non_fqdn_hostname", reject_non_fqdn_helo_hostname},
    Simple{"reject_unknown_helo_hostname", reject_unknown_helo_hostname},
    Simple{"reject_unknown_hostname", reject_unknown_helo_hostname},
    Simple{"reject_non_fqdn_sender", reject_non_fqdn_sender},
    Simple{"reject_unknown_sender_domain", reject_unknown_sender_domain},
    Simple{"reject_unknown_address", reject_unknown_sender_domain},
    Simple{"reject_unlisted_sender", reject_unlisted_sender},
    Simple{"reject_unverified_sender", reject_unverified_sender},
    Simple{"reject_sender_login_mismatch", reject_login_mismatch},
    Simple{kWithoutLogin, reject_login_mismatch_of_others},
    Simple{kKnownLogin, [](Check& check) { return is_without_login(check, kKnownLogin), Outcome::dunno; }},
    Simple{kWithLogin, [](Check& check) { return is_without_login(check, kWithLogin), Outcome::dunno; }},
    Simple{"reject_non_fqdn_recipient", reject_non_fqdn_recipient},
    Simple{"reject_unknown_recipient_domain", reject_unknown_recipient_domain},
    Simple{"reject_unlisted_recipient", reject_unlisted_recipient},
    Simple{"check_recipient_maps", reject_unlisted_recipient},
    Simple{"reject_unverified_recipient", reject_unverified_recipient},
    Simple{"reject_unauth_destination", reject_unauth_destination},
    Simple{"check_relay_domains", check_relay_domains},
    Simple{"defer_unauth_destination", defer_unauth_destination},
    Simple{"permit_auth_destination", permit_auth_destination},
    Simple{"permit_mx_backup", permit_mx_backup},
};

constexpr std::array kAccessQueries{
    AccessQuery{"check_client_access", Subject::client},
    AccessQuery{"check_reverse_client_hostname_access", Subject::reverse_client},
    AccessQuery{"check_helo_access", Subject::helo},
    AccessQuery{"check_sender_access", Subject::sender},
    AccessQuery{"check_recipient_access", Subject::recipient},
    AccessQuery{"check_etrn_access", Subject::etrn},
    AccessQuery{"check_client_mx_access", Subject::client, HostsOf::mx},
    AccessQuery{"check_client_ns_access", Subject::client, HostsOf::ns},
    AccessQuery{"check_client_a_access", Subject::client, HostsOf::a},
    AccessQuery{"check_reverse_client_hostname_mx_access", Subject::reverse_client, HostsOf::mx},
    AccessQuery{"check_reverse_client_hostname_ns_access", Subject::reverse_client, HostsOf::ns},
    AccessQuery{"check_reverse_client_hostname_a_access", Subject::reverse_client, HostsOf::a},
    AccessQuery{"check_helo_mx_access", Subject::helo, HostsOf::mx},
    AccessQuery{"check_helo_ns_access", Subject::helo, HostsOf::ns},
    AccessQuery{"check_helo_a_access", Subject::helo, HostsOf::a},
    AccessQuery{"check_sender_mx_access", Subject::sender, HostsOf::mx},
    AccessQuery{"check_sender_ns_access", Subject::sender, HostsOf::ns},
    AccessQuery{"check_sender_a_access", Subject::sender, HostsOf::a},
    AccessQuery{"check_recipient_mx_access", Subject::recipient, HostsOf::mx},
    AccessQuery{"check_recipient_ns_access", Subject::recipient, HostsOf::ns},
    AccessQuery{"check_recipient_a_access", Subject::recipient, HostsOf::a},
};

// About certificates and SASL names: nobody has one yet.
constexpr std::array<std::string_view, 2> kUnansweredQueries{"check_ccert_access", "check_sasl_access"};

struct ListQuery {
  std::string_view name;
  RblSubject subject;
  bool permits;
};
constexpr std::array kListQueries{
    ListQuery{"reject_rbl_client", RblSubject::client, false},
    ListQuery{"reject_rbl", RblSubject::client, false},
    ListQuery{"permit_dnswl_client", RblSubject::client, true},
    ListQuery{"reject_rhsbl_client", RblSubject::client_name, false},
    ListQuery{"permit_rhswl_client", RblSubject::client_name, true},
    ListQuery{"reject_rhsbl_reverse_client", RblSubject::reverse_client_name, false},
    ListQuery{"reject_rhsbl_helo", RblSubject::helo, false},
    ListQuery{"reject_rhsbl_sender", RblSubject::sender, false},
    ListQuery{"reject_rhsbl_recipient", RblSubject::recipient, false},
};

template <class Rows>
auto find_row(const Rows& rows, std::string_view name) {
  return std::find_if(rows.begin(), rows.end(),
                      [name](const auto& row) { return equal_ignoring_case(row.name, name); });
}

auto find_access_query(std::string_view name) {
  return std::ranges::find_if(kAccessQueries,
                              [name](const auto& row) { return equal_ignoring_case(row.restriction, name); });
}

bool is_unanswered(std::string_view name) {
  return std::ranges::any_of(kUnansweredQueries,
                             [name](std::string_view known) { return equal_ignoring_case(known, name); });
}

bool is_table_name(std::string_view word) {
  return word.find(':') != std::string_view::npos;
}

}  // namespace

bool RestrictionParser::takes_argument(std::string_view name) const {
  return find_access_query(name) != kAccessQueries.end() || is_unanswered(name) ||
         find_row(kListQueries, name) != kListQueries.end() ||
         equal_ignoring_case(name, "check_policy_service") || equal_ignoring_case(name, "sleep");
}

Restrictions RestrictionParser::parse(std::string_view parameter, std::string_view text) {
  Restrictions list;
  if (++depth_ > kDepthLimit) {
    complain(fmt::format("{}: restriction classes nest too deeply", parameter));
  } else {
    const Words words = config::split_list(text);
    for (std::size_t at = 0; at < words.size();) list.push_back(one(parameter, words, at));
  }
  --depth_;
  return list;
}

Restriction RestrictionParser::one(std::string_view parameter, const Words& words, std::size_t& at) {
  const std::string& name = words[at++];
  if (const auto row = find_row(kSimple, name); row != kSimple.end()) return {name, row->apply, row->decides};
  if (equal_ignoring_case(name, "warn_if_reject")) {
    if (at >= words.size()) return {name, nobody};
    Restriction inner = one(parameter, words, at);
    const auto apply = [inner](Check& check) {
      const Check::WarnOnly warn_only(check);
      return inner.apply(check);
    };
    return {name, apply, false};
  }
  if (takes_argument(name)) {
    if (at >= words.size()) {
      complain(fmt::format("{}: restriction {} needs an argument", parameter, name));
      return {name, nobody};
    }
    return with_argument(parameter, name, words[at++]);
  }
  const auto& classes = settings_.params->restriction_classes();
  if (std::find(classes.begin(), classes.end(), name) != classes.end()) {
    auto list = std::make_shared<const Restrictions>(parse(name, settings_.main_cf->value(name)));
    return {name, [list](Check& check) { return evaluate(*list, check); }, false};
  }
  if (is_table_name(name)) {
    // An old form: a table alone is asked about what the list is for.
    for (const auto& [list, query] : {std::pair{"smtpd_client_restrictions", "check_client_access"},
                                      {"smtpd_helo_restrictions", "check_helo_access"},
                                      {"smtpd_sender_restrictions", "check_sender_access"},
                                      {"smtpd_relay_restrictions", "check_recipient_access"},
                                      {"smtpd_recipient_restrictions", "check_recipient_access"},
                                      {"smtpd_etrn_restrictions", "check_etrn_access"}}) {
      if (parameter == list) return with_argument(parameter, query, name);
    }
  }
  complain(fmt::format("{}: unknown smtpd restriction: \"{}\"", parameter, name));
  return {name, nobody};
}

Restriction RestrictionParser::with_argument(std::string_view parameter, const std::string& name,
                                             std::string_view argument) {
  if (is_unanswered(name)) return {name, nobody};
  if (const auto row = find_access_query(name); row != kAccessQueries.end()) {
    if (!may_open_tables_) {
      complain(fmt::format("{}: tables by name are not allowed in table results", parameter));
      return {name, nobody};
    }
    auto table = std::make_shared<const table::TableList>(*settings_.tables, std::string(argument),
                                                          config::inside_braces(argument));
    return {name,
            [table, query = *row, parse = parser_of_results(settings_)](Check& check) {
              return check_access(check, *table, query, parse);
            },
            false};
  }
  if (const auto row = find_row(kListQueries, name); row != kListQueries.end()) {
    auto domain = RblDomain::parse(argument);
    if (!domain) {
      complain(fmt::format("{}: {}: bad domain or address pattern: {}", parameter, name, argument));
      return {name, nobody};
    }
    return {name, [list = *domain, row](Check& check) {
              return row->permits ? permit_listed(check, list, row->subject)
                                  : reject_listed(check, list, row->subject);
            }};
  }
  if (equal_ignoring_case(name, "sleep")) {
    const auto seconds = config::parse_seconds(argument);
    if (!seconds) complain(fmt::format("{}: sleep: bad time: {}", parameter, argument));
    return {name, [time = seconds.value_or(std::chrono::seconds(0))](Check&) {
              runtime::sleep_for(time);
              return Outcome::dunno;
            }};
  }
  auto service = parse_policy_service(argument, *settings_.params);
  if (!service) {
    complain(fmt::format("{}: {}", parameter, service.error().text));
    return {name, nobody};
  }
  return {name,
          [made = *service, parse = parser_of_results(settings_)](Check& check) {
            return check_policy_service(check, made, parse);
          },
          false};
}

ListParser RestrictionParser::parser_of_results(Settings& settings) {
  return [&settings](std::string_view text) -> const Restrictions* {
    if (const auto known = settings.result_lists.find(text); known != settings.result_lists.end()) {
      return known->second.get();
    }
    RestrictionParser parser(settings);
    parser.may_open_tables_ = false;
    auto list = std::make_unique<const Restrictions>(parser.parse("access table result", text));
    if (!parser.problems().empty()) list.reset();
    // Bounded: results come from the administrator's tables, but a database may hold many.
    if (settings.result_lists.size() > 10000) return nullptr;
    return settings.result_lists.emplace(std::string(text), std::move(list)).first->second.get();
  };
}

}  // namespace posthouse::smtpd
