#include "smtpd/access_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/mail/header.h"
#include "lib/mail/host_name.h"
#include "lib/mail/quote.h"

namespace posthouse::smtpd {
namespace {

struct Action {
  Check& check;
  Subject subject;
  std::string_view origin, key, word, text;

  // The entry is as good as absent; the administrator reads why in the log.
  Outcome ignored(std::string_view problem) const {
    log::warning("{} entry \"{}\" {}", origin, key, problem);
    return Outcome::dunno;
  }
  // "<x>: Sender address TEXT"
  std::string about(std::string_view what) const {
    return fmt::format("<{}>: {} {}", check.what(subject), label_of(subject), what);
  }
  std::string triggers(std::string_view what) const {
    return fmt::format("<{}>: {} triggers {}", check.what(subject), label_of(subject), what);
  }
  MessageActions* message() const {
    auto& transaction = check.session().transaction;
    return transaction ? &transaction->actions : nullptr;
  }
};

Outcome reject_with(const Action& action, int code, std::string_view default_dsn,
                    std::string_view default_text) {
  const auto [dsn, text] = mail::split_dsn(action.text, default_dsn);
  return action.check.reject(code, dsn,
                             action.check.rejected(action.subject, text.empty() ? default_text : text));
}

Reply deferral(const Action& action) {
  const auto [dsn, text] = mail::split_dsn(action.text, "4.7.1");
  return reply_of(action.check.params().access_map_defer_code(), dsn,
                  action.check.rejected(action.subject, text.empty() ? "Service unavailable" : text));
}

bool is_reply_code(std::string_view word) {
  return word.size() == 3 && (word[0] == '4' || word[0] == '5') && is_digit(word[1]) && is_digit(word[2]);
}

Outcome filter(const Action& action) {
  if (action.text.empty()) return action.ignored("has FILTER entry without value");
  if (action.text.find(':') == std::string_view::npos) {
    return action.ignored("has FILTER entry without transport:destination");
  }
  if (MessageActions* message = action.message()) message->filter = action.text;
  action.check.log_action("filter", action.triggers("FILTER " + std::string(action.text)));
  return Outcome::dunno;
}

Outcome hold(const Action& action) {
  if (MessageActions* message = action.message()) message->hold = true;
  action.check.log_action("hold",
                          action.text.empty() ? action.triggers("HOLD action") : action.about(action.text));
  return Outcome::dunno;
}

Outcome discard(const Action& action) {
  if (MessageActions* message = action.message()) message->discard = true;
  action.check.log_action(
      "discard", action.text.empty() ? action.triggers("DISCARD action") : action.about(action.text));
  return Outcome::permit;
}

Outcome redirect(const Action& action) {
  if (action.text.find('@') == std::string_view::npos) return action.ignored("requires user@domain target");
  if (MessageActions* message = action.message()) message->redirect = action.text;
  action.check.log_action("redirect", action.triggers("REDIRECT " + std::string(action.text)));
  return Outcome::dunno;
}

Outcome bcc(const Action& action) {
  if (action.text.find('@') == std::string_view::npos) return action.ignored("requires user@domain target");
  if (MessageActions* message = action.message()) message->bcc.emplace_back(action.text);
  action.check.log_action("bcc", action.triggers("BCC " + std::string(action.text)));
  return Outcome::dunno;
}

Outcome prepend(const Action& action) {
  if (!mail::is_header(action.text)) return action.ignored("requires header: text");
  if (MessageActions* message = action.message()) {
    if (message->prepended.size() < 100'000) message->prepended.append(action.text).append("\n");
  }
  return Outcome::dunno;
}

Outcome note(const Action& action, std::string_view word) {
  action.check.log_action(word, action.text);
  return Outcome::dunno;
}

struct Word {
  std::string_view name;
  Outcome (*apply)(const Action&);
};
constexpr std::array kWords{
    Word{"REJECT",
         [](const Action& a) {
           return reject_with(a, a.check.params().access_map_reject_code(), "5.7.1", "Access denied");
         }},
    Word{"DEFER",
         [](const Action& a) {
           return reject_with(a, a.check.params().access_map_defer_code(), "4.7.1", "Access denied");
         }},
    Word{"DEFER_IF_REJECT",
         [](const Action& a) { return a.check.defer_if_reject(deferral(a)), Outcome::dunno; }},
    Word{"DEFER_IF_PERMIT",
         [](const Action& a) { return a.check.defer_if_permit(deferral(a)), Outcome::dunno; }},
    Word{"HANGUP",
         [](const Action& a) { return a.check.log_action("hangup", a.text), a.check.reject(Reply{}); }},
    Word{"INFO", [](const Action& a) { return note(a, "info"); }},
    Word{"WARN", [](const Action& a) { return note(a, "warn"); }},
    Word{"DUNNO", [](const Action&) { return Outcome::dunno; }},
    Word{"FILTER", filter},
    Word{"HOLD", hold},
    Word{"DISCARD", discard},
    Word{"REDIRECT", redirect},
    Word{"BCC", bcc},
    Word{"PREPEND", prepend},
    Word{"OK", [](const Action&) { return Outcome::permit; }},
    Word{"RELAY", [](const Action&) { return Outcome::permit; }},
};

// Nothing: the table has no entry. An entry that says DUNNO ends the search in this table, too.
using Found = std::optional<Outcome>;

class AccessQuery {
 public:
  AccessQuery(Check& check, const table::TableList& table, const ListParser& parse)
      : check_(check), table_(table), parse_(parse) {}

  Found domain(std::string_view name, Subject subject) {
    return decide(table::find_domain(table_, name, check_.settings().access_parent_matches_subdomains), name,
                  subject);
  }

  Found address(std::string_view ip, Subject subject) {
    return decide(table::find_client_address(table_, ip), ip, subject);
  }

  Found mail_address(std::string_view internal, Subject subject) {
    const std::string& null_key = check_.params().null_access_key();
    if (internal.empty()) return decide(table_.lookup(null_key), null_key, subject);
    auto rules = check_.settings().address_rules;
    rules.parent_domain_matches_subdomains = check_.settings().access_parent_matches_subdomains;
    auto found = table::find_address(table_, internal, rules, table::AddressKeys::access);
    if (auto* match = std::get_if<table::AddressMatch>(&found)) {
      return decide(Lookup(std::move(match->value)), internal, subject);
    }
    if (auto* failure = std::get_if<Failure>(&found))
      return decide(Lookup(std::move(*failure)), internal, subject);
    return std::nullopt;
  }

  Found host(const std::string& name, const std::string& ip, Subject subject) {
    if (const Found found = domain(name, subject)) return found;
    return address(ip, subject);
  }

  Found servers(std::string_view domain_name, dns::Type type, Subject subject);

 private:
  Found addresses_of(const std::string& host_name, Subject subject);

  Found decide(const Lookup& found, std::string_view key, Subject subject) {
    if (std::holds_alternative<NotFound>(found)) return std::nullopt;
    if (std::holds_alternative<Failure>(found)) {
      return check_.reject(451, "4.3.5", check_.rejected(subject, "Server configuration error"));
    }
    return apply_action(check_, std::get<std::string>(found), subject, "access table " + table_.title(), key,
                        parse_);
  }

  Check& check_;
  const table::TableList& table_;
  const ListParser& parse_;
};

Found AccessQuery::addresses_of(const std::string& host_name, Subject subject) {
  if (mail::is_ip_address(host_name)) return address(host_name, subject);
  Session& session = check_.session();
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
    const dns::Reply reply = session.neighbours().dns().query(host_name, type, session.deadline());
    for (const dns::Record& record : reply.records) {
      if (const Found found = address(record.value, subject)) return found;
    }
  }
  return std::nullopt;
}

// The MX or name server hosts of a domain: by name, then by address. NS records may stand at a parent.
Found AccessQuery::servers(std::string_view domain_name, dns::Type type, Subject subject) {
  Session& session = check_.session();
  std::string literal;
  if (mail::is_address_literal(domain_name, &literal)) return address(literal, subject);
  if (domain_name.empty()) return std::nullopt;
  std::vector<std::string> hosts;
  const std::string_view whole = domain_name;
  if (type == dns::Type::a) hosts.emplace_back(whole);
  while (type != dns::Type::a && hosts.empty() && !domain_name.empty()) {
    const dns::Reply reply = session.neighbours().dns().query(domain_name, type, session.deadline());
    for (const dns::Record& record : reply.records) hosts.push_back(record.value);
    const std::size_t dot = domain_name.find('.');
    const bool may_go_up = type != dns::Type::mx && dot != std::string_view::npos;
    domain_name = may_go_up ? domain_name.substr(dot + 1) : std::string_view();
  }
  if (hosts.empty() && type == dns::Type::mx) hosts.emplace_back(whole);
  for (const std::string& host_name : hosts) {
    if (const Found found = domain(host_name, subject)) return found;
    if (const Found found = addresses_of(host_name, subject)) return found;
  }
  return std::nullopt;
}

std::string domain_of(const std::string& address) {
  return std::string(mail::split_address(address).domain);
}

Found find_entry(Check& check, const table::TableList& table, Query query, const ListParser& parse) {
  Session& session = check.session();
  const Client& client = session.client;
  const std::string helo = session.helo_name.value_or("");
  const std::string sender = session.transaction ? session.transaction->sender : "";
  AccessQuery access(check, table, parse);
  switch (query) {
    case Query::client:
      return access.host(client.name, client.address, Subject::client);
    case Query::reverse_client:
      return access.host(client.reverse_name, client.address, Subject::reverse_client);
    case Query::helo:
      return session.helo_name ? access.domain(helo, Subject::helo) : std::nullopt;
    case Query::sender:
      return session.transaction ? access.mail_address(sender, Subject::sender) : std::nullopt;
    case Query::recipient:
      return session.recipient.empty() ? std::nullopt
                                       : access.mail_address(session.recipient, Subject::recipient);
    case Query::etrn:
      return session.etrn_domain.empty() ? std::nullopt : access.domain(session.etrn_domain, Subject::etrn);
    case Query::client_mx:
      return access.servers(client.name, dns::Type::mx, Subject::client);
    case Query::client_ns:
      return access.servers(client.name, dns::Type::ns, Subject::client);
    case Query::client_a:
      return access.servers(client.name, dns::Type::a, Subject::client);
    case Query::reverse_client_mx:
      return access.servers(client.reverse_name, dns::Type::mx, Subject::reverse_client);
    case Query::reverse_client_ns:
      return access.servers(client.reverse_name, dns::Type::ns, Subject::reverse_client);
    case Query::reverse_client_a:
      return access.servers(client.reverse_name, dns::Type::a, Subject::reverse_client);
    case Query::helo_mx:
      return access.servers(helo, dns::Type::mx, Subject::helo);
    case Query::helo_ns:
      return access.servers(helo, dns::Type::ns, Subject::helo);
    case Query::helo_a:
      return access.servers(helo, dns::Type::a, Subject::helo);
    case Query::sender_mx:
      return access.servers(domain_of(sender), dns::Type::mx, Subject::sender);
    case Query::sender_ns:
      return access.servers(domain_of(sender), dns::Type::ns, Subject::sender);
    case Query::sender_a:
      return access.servers(domain_of(sender), dns::Type::a, Subject::sender);
    case Query::recipient_mx:
      return access.servers(domain_of(session.recipient), dns::Type::mx, Subject::recipient);
    case Query::recipient_ns:
      return access.servers(domain_of(session.recipient), dns::Type::ns, Subject::recipient);
    case Query::recipient_a:
      return access.servers(domain_of(session.recipient), dns::Type::a, Subject::recipient);
    case Query::never:
      break;
  }
  return std::nullopt;
}

}  // namespace

Outcome apply_action(Check& check, std::string_view action, Subject subject, std::string_view origin,
                     std::string_view key, const ListParser& parse) {
  action = trim(action);
  const std::size_t end = std::min(action.find_first_of(" \t"), action.size());
  const std::string_view word = action.substr(0, end);
  const Action work{check, subject, origin, key, word, trim(action.substr(end))};
  for (const Word& known : kWords) {
    if (equal_ignoring_case(word, known.name)) return known.apply(work);
  }
  if (is_reply_code(word) && !work.text.empty()) {
    const int code = parse_int<int>(word).value_or(450);
    return reject_with(work, code, word[0] == '4' ? "4.7.1" : "5.7.1", "Access denied");
  }
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_digit)) return Outcome::permit;
  if (const Restrictions* list = parse(action)) return evaluate(*list, check);
  log::warning("unknown smtpd restriction: \"{}\"", word);
  return check.misconfigured();
}

Outcome check_access(Check& check, const table::TableList& table, Query query, const ListParser& parse) {
  return find_entry(check, table, query, parse).value_or(Outcome::dunno);
}

}  // namespace posthouse::smtpd
