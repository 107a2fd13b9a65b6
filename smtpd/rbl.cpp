#include "smtpd/rbl.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/expand.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/mail/host_name.h"
#include "lib/mail/quote.h"
#include "smtpd/client_names.h"
#include "smtpd/destinations.h"

namespace posthouse::smtpd {
namespace {

using Ranges = std::vector<std::pair<int, int>>;

std::optional<std::pair<int, int>> parse_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto low = parse_int<int>(text.substr(0, dots));
  const auto high = dots == std::string_view::npos ? low : parse_int<int>(text.substr(dots + 2));
  if (!low || !high || *low < 0 || *high > 255 || *low > *high) return std::nullopt;
  return std::pair(*low, *high);
}

std::optional<Ranges> parse_octet(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  Ranges ranges;
  for (const std::string_view piece : split(text, ';')) {
    const auto range = parse_range(piece);
    if (!range) return std::nullopt;
    ranges.push_back(*range);
  }
  return ranges;
}

// Cuts at `separator`, but not inside brackets, nor at the ".." of a range.
std::vector<std::string_view> cut(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  std::size_t start = 0;
  bool in_brackets = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') in_brackets = true;
    if (text[i] == ']') in_brackets = false;
    if (text[i] != separator || in_brackets) continue;
    pieces.push_back(text.substr(start, i - start));
    start = i + 1;
  }
  pieces.push_back(text.substr(start));
  return pieces;
}

struct Listing {
  bool is_listed = false;
  bool is_unsure = false;
  std::string reason;  // TXT
};

Listing ask(Check& check, const RblDomain& list, const std::string& query, bool wants_reason) {
  Session& session = check.session();
  dns::Lookups& dns = session.neighbours().dns();
  const dns::Reply reply = dns.query(query, dns::Type::a, session.deadline());
  Listing listing;
  if (reply.outcome == dns::Outcome::temporary) {
    log::warning("{}: RBL lookup error: {}", query, reply.text());
    listing.is_unsure = true;
  }
  listing.is_listed = std::any_of(reply.records.begin(), reply.records.end(),
                                  [&](const dns::Record& record) { return list.matches(record.value); });
  if (!listing.is_listed || !wants_reason) return listing;
  const dns::Reply text = dns.query(query, dns::Type::txt, session.deadline());
  if (text.outcome == dns::Outcome::temporary) log::warning("{}: TXT lookup error: {}", query, text.reason());
  for (const dns::Record& record : text.records)
    listing.reason.append(listing.reason.empty() ? "" : " / ").append(printable(record.value));
  return listing;
}

// The name that is put in front of the list's domain; empty if there is nothing to ask about.
std::string key_of(const Check& check, RblSubject subject) {
  const Session& session = check.session();
  const bool allow_utf8 = check.settings().messages->smtputf8_enable();
  const auto domain = [allow_utf8](std::string_view name) {
    return mail::is_valid_hostname(name, allow_utf8) && name != "unknown" ? std::string(name) : std::string();
  };
  switch (subject) {
    case RblSubject::client:
      return reversed_address(session.client.address);
    case RblSubject::client_name:
      return domain(session.client.name);
    case RblSubject::reverse_client_name:
      return domain(session.client.reverse_name);
    case RblSubject::helo:
      return domain(session.helo_name.value_or(""));
    case RblSubject::sender:
      return session.transaction ? domain(mail::split_address(session.transaction->sender).domain) : "";
    case RblSubject::recipient:
      return domain(mail::split_address(session.recipient).domain);
  }
  return {};
}

struct Names {
  std::string what, rbl_class;
};

Names names_of(const Check& check, RblSubject subject) {
  const Session& session = check.session();
  switch (subject) {
    case RblSubject::client:
      return {session.client.address, "Client host"};
    case RblSubject::client_name:
      return {session.client.name, "Client host"};
    case RblSubject::reverse_client_name:
      return {session.client.reverse_name, "Unverified Client host"};
    case RblSubject::helo:
      return {session.helo_name.value_or(""), "Helo command"};
    case RblSubject::sender:
      return {check.what(Subject::sender), "Sender address"};
    case RblSubject::recipient:
      return {check.what(Subject::recipient), "Recipient address"};
  }
  return {};
}

using Values = std::map<std::string, std::string, std::less<>>;

void add_address(Values& values, const std::string& name, const std::string& address) {
  const auto parts = mail::split_address(address);
  values[name] = address.empty() ? "<>" : address;
  values[name + "_name"] = address.empty() ? "<>" : std::string(parts.local);
  values[name + "_domain"] = std::string(parts.domain);
}

std::string expand(const Check& check, const std::string& reply_template, const RblDomain& list,
                   const std::string& reason, const Names& names) {
  const Session& session = check.session();
  const std::string& allowed = check.settings().expansion_filter;
  Values values{
      {"client", fmt::format("{}[{}]", session.client.name, session.client.address)},
      {"client_address", session.client.address},
      {"client_name", session.client.name},
      {"reverse_client_name", session.client.reverse_name},
      {"helo_name", session.helo_name.value_or("")},
      {"rbl_class", names.rbl_class},
      {"rbl_code", std::to_string(check.params().rbl_reject_code())},
      {"rbl_domain", list.domain},
      {"rbl_reason", reason},
      {"rbl_txt", reason},
      {"rbl_what", names.what},
  };
  add_address(values, "sender", check.what(Subject::sender));
  add_address(values, "recipient", check.what(Subject::recipient));
  const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return check.settings().main_cf->text(name);
    return config::literal_value(found->second, allowed);
  };
  const auto text = config::expand_macros(reply_template, lookup);
  return text ? *text : fmt::format("{} Service unavailable", check.params().rbl_reject_code());
}

Subject status_subject(RblSubject subject) {
  if (subject == RblSubject::sender) return Subject::sender;
  return subject == RblSubject::recipient ? Subject::recipient : Subject::client;
}

Outcome refuse(Check& check, const RblDomain& list, const std::string& reason, RblSubject subject) {
  std::string reply_template = check.params().default_rbl_reply();
  const auto found = check.settings().rbl_replies.lookup(list.text);
  if (std::holds_alternative<Failure>(found)) return check.misconfigured();
  if (const auto* text = std::get_if<std::string>(&found)) reply_template = *text;
  const std::string text = expand(check, reply_template, list, reason, names_of(check, subject));
  const std::string_view view = text;
  const int code = parse_int<int>(view.substr(0, 3)).value_or(0);
  const std::string_view after_code = view.substr(std::min<std::size_t>(view.size(), 3));
  if (code < 400 || code > 599 || trim(after_code).empty() || !is_space(after_code.front())) {
    log::warning("rbl response code configuration error: {}", text);
    return check.reject(450, "4.7.1", "Service unavailable");
  }
  const auto [dsn, rest] = mail::split_dsn(trim(after_code), "5.7.1");
  return check.reject(code, check.status_for(status_subject(subject), dsn), rest);
}

}  // namespace

std::optional<RblDomain> RblDomain::parse(std::string_view text) {
  RblDomain list;
  list.text = text;
  const std::size_t equals = text.find('=');
  list.domain = text.substr(0, equals);
  if (list.domain.empty()) return std::nullopt;
  if (equals == std::string_view::npos) return list;
  for (std::string_view pattern : cut(text.substr(equals + 1), ';')) {
    if (pattern.starts_with('{') && pattern.ends_with('}')) pattern = pattern.substr(1, pattern.size() - 2);
    const auto octets = cut(pattern, '.');
    if (octets.size() != 4) return std::nullopt;
    auto& ranges = list.patterns.emplace_back();
    for (std::size_t i = 0; i < 4; ++i) {
      auto octet = parse_octet(octets[i]);
      if (!octet) return std::nullopt;
      ranges[i] = std::move(*octet);
    }
  }
  return list;
}

bool RblDomain::matches(std::string_view address) const {
  if (!mail::is_valid_ipv4(address)) return false;
  if (patterns.empty()) return true;
  const auto octets = split(address, '.');
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
    for (std::size_t i = 0; i < 4; ++i) {
      const int value = parse_int<int>(octets[i]).value_or(-1);
      const bool fits = std::any_of(pattern[i].begin(), pattern[i].end(), [value](const auto& range) {
        return value >= range.first && value <= range.second;
      });
      if (!fits) return false;
    }
    return true;
  });
}

Outcome reject_listed(Check& check, const RblDomain& list, RblSubject subject) {
  const std::string key = key_of(check, subject);
  if (key.empty()) return Outcome::dunno;
  const Listing listing = ask(check, list, key + "." + list.domain, true);
  return listing.is_listed ? refuse(check, list, listing.reason, subject) : Outcome::dunno;
}

// Nobody may relay because a list knows him. When the list cannot be asked, mail that would be refused is
// deferred.
Outcome permit_listed(Check& check, const RblDomain& list, RblSubject subject) {
  const std::string key = key_of(check, subject);
  if (key.empty()) return Outcome::dunno;
  if (!check.session().recipient.empty()) {
    const Outcome authorised = permit_auth_destination(check);
    if (authorised != Outcome::permit) return authorised;
  }
  const Listing listing = ask(check, list, key + "." + list.domain, false);
  if (listing.is_listed) return Outcome::permit;
  if (listing.is_unsure) {
    check.defer_if_reject(
        reply_of(450, "4.7.1",
                 check.rejected_as(names_of(check, subject).what, Subject::client, "Service unavailable")));
  }
  return Outcome::dunno;
}

}  // namespace posthouse::smtpd
