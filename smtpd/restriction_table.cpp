#include "smtpd/restriction_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
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
};

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
  check.defer_if_permit(reply_of(450, "4.3.2", check.rejected(check.subject(), "defer_if_permit requested")));
  return Outcome::dunno;
}

Outcome defer_if_reject(Check& check) {
  check.defer_if_reject(reply_of(450, "4.3.2", check.rejected(check.subject(), "defer_if_reject requested")));
  return Outcome::dunno;
}

Outcome permit_mynetworks(Check& check) {
  const auto is_near = check.settings().is_in_mynetworks(check.session().client);
  if (!is_near) return check.table_trouble(check.subject());
  return *is_near ? Outcome::permit : Outcome::dunno;
}

Outcome permit_inet_interfaces(Check& check) {
  return check.settings().is_own_address(check.session().client.address) ? Outcome::permit : Outcome::dunno;
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
  const std::size_t count = transaction->recipients.size() + (check.session().recipient.empty() ? 0 : 1);
  if (count < 2) return Outcome::dunno;
  return check.reject(check.params().multi_bounce_reject_code(), "5.5.3",
                      check.rejected(check.subject(), "Multi-recipient bounce"));
}

Outcome reject_plaintext_session(Check& check) {
  return check.reject(check.params().plaintext_reject_code(), "4.7.1", "Session encryption is required");
}

// Nobody can be logged in: a sender that has owners is refused.
Outcome reject_owned_sender(Check& check) {
  const auto& transaction = check.session().transaction;
  if (!transaction || transaction->sender.empty() || check.settings().login_maps.empty())
    return Outcome::dunno;
  const auto found =
      table::find_address(check.settings().login_maps, transaction->sender, check.settings().address_rules);
  if (std::holds_alternative<Failure>(found)) return check.table_trouble(Subject::sender);
  if (std::holds_alternative<NotFound>(found)) return Outcome::dunno;
  return check.reject(553, "5.7.1", check.rejected(Subject::sender, "not logged in"));
}

constexpr std::array kSimple{
    Simple{"permit", [](Check&) { return Outcome::permit; }},
    Simple{"reject", reject_plainly},
    Simple{"defer", defer_plainly},
    Simple{"defer_if_permit", defer_if_permit},
    Simple{"defer_if_reject", defer_if_reject},
    Simple{"permit_mynetworks", permit_mynetworks},
    Simple{"permit_inet_interfaces", permit_inet_interfaces},
    Simple{"permit_sasl_authenticated", nobody},
    Simple{"permit_tls_clientcerts", nobody},
    Simple{"permit_tls_all_clientcerts", nobody},
    Simple{"permit_naked_ip_address", nobody},
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
    Simple{"reject_sender_login_mismatch", reject_owned_sender},
    Simple{"reject_unauthenticated_sender_login_mismatch", reject_owned_sender},
    Simple{"reject_known_sender_login_mismatch", nobody},
    Simple{"reject_authenticated_sender_login_mismatch", nobody},
    Simple{"reject_non_fqdn_recipient", reject_non_fqdn_recipient},
    Simple{"reject_unknown_recipient_domain", reject_unknown_recipient_domain},
    Simple{"reject_unlisted_recipient", reject_unlisted_recipient},
    Simple{"check_recipient_maps", reject_unlisted_recipient},
    Simple{"reject_unverified_recipient", reject_unverified_recipient},
    Simple{"reject_unauth_destination", reject_unauth_destination},
    Simple{"check_relay_domains", reject_unauth_destination},
    Simple{"defer_unauth_destination", defer_unauth_destination},
    Simple{"permit_auth_destination", permit_auth_destination},
    Simple{"permit_mx_backup", permit_mx_backup},
};

struct TableQuery {
  std::string_view name;
  Query query;
};
constexpr std::array kTableQueries{
    TableQuery{"check_client_access", Query::client},
    TableQuery{"check_reverse_client_hostname_access", Query::reverse_client},
    TableQuery{"check_helo_access", Query::helo},
    TableQuery{"check_sender_access", Query::sender},
    TableQuery{"check_recipient_access", Query::recipient},
    TableQuery{"check_etrn_access", Query::etrn},
    TableQuery{"check_client_mx_access", Query::client_mx},
    TableQuery{"check_client_ns_access", Query::client_ns},
    TableQuery{"check_client_a_access", Query::client_a},
    TableQuery{"check_reverse_client_hostname_mx_access", Query::reverse_client_mx},
    TableQuery{"check_reverse_client_hostname_ns_access", Query::reverse_client_ns},
    TableQuery{"check_reverse_client_hostname_a_access", Query::reverse_client_a},
    TableQuery{"check_helo_mx_access", Query::helo_mx},
    TableQuery{"check_helo_ns_access", Query::helo_ns},
    TableQuery{"check_helo_a_access", Query::helo_a},
    TableQuery{"check_sender_mx_access", Query::sender_mx},
    TableQuery{"check_sender_ns_access", Query::sender_ns},
    TableQuery{"check_sender_a_access", Query::sender_a},
    TableQuery{"check_recipient_mx_access", Query::recipient_mx},
    TableQuery{"check_recipient_ns_access", Query::recipient_ns},
    TableQuery{"check_recipient_a_access", Query::recipient_a},
    TableQuery{"check_ccert_access", Query::never},
    TableQuery{"check_sasl_access", Query::never},
};

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

bool is_table_name(std::string_view word) {
  return word.find(':') != std::string_view::npos;
}

}  // namespace

bool RestrictionParser::takes_argument(std::string_view name) const {
  return find_row(kTableQueries, name) != kTableQueries.end() ||
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
  if (const auto row = find_row(kSimple, name); row != kSimple.end()) return {name, row->apply};
  if (equal_ignoring_case(name, "warn_if_reject")) {
    if (at >= words.size()) return {name, nobody};
    Restriction inner = one(parameter, words, at);
    return {name, [inner](Check& check) {
              const Check::WarnOnly warn_only(check);
              return inner.apply(check);
            }};
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
    return {name, [list](Check& check) { return evaluate(*list, check); }};
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
  if (const auto row = find_row(kTableQueries, name); row != kTableQueries.end()) {
    if (!may_open_tables_) {
      complain(fmt::format("{}: tables by name are not allowed in table results", parameter));
      return {name, nobody};
    }
    auto table = std::make_shared<const table::TableList>(*settings_.tables, std::string(argument),
                                                          config::inside_braces(argument));
    return {name, [table, query = row->query, parse = parser_of_results(settings_)](Check& check) {
              return check_access(check, *table, query, parse);
            }};
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
  return {name, [made = *service, parse = parser_of_results(settings_)](Check& check) {
            return check_policy_service(check, made, parse);
          }};
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
