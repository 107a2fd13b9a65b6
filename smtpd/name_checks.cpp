#include "smtpd/name_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/mail/quote.h"

namespace posthouse::smtpd {
namespace {

bool is_utf8_allowed(const Check& check) {
  return check.settings().messages->smtputf8_enable();
}

dns::Reply ask(Check& check, std::string_view name, dns::Type type) {
  Session& session = check.session();
  return session.neighbours().dns().query(name, type, session.deadline());
}

// The first that has records, or the first trouble, or what was said last.
dns::Reply ask_for_addresses(Check& check, std::string_view name) {
  dns::Reply reply;
  reply.outcome = dns::Outcome::no_host;
  for (const dns::Type type : check.settings().address_types) {
    dns::Reply one = ask(check, name, type);
    if (one.outcome == dns::Outcome::found) return one;
    if (reply.outcome != dns::Outcome::temporary) reply = std::move(one);
  }
  return reply;
}

// What the administrator does not want to know is held against nobody.
bool is_filtered(const dns::Reply& reply, std::string_view name, std::string_view what) {
  if (reply.filter != dns::FilterEnd::dropped_all) return false;
  log::warning("{}: {} lookup error: {}", name, what, reply.reason());
  return true;
}

Outcome refuse_non_fqdn(Check& check, Subject subject, std::string_view address) {
  const auto parts = mail::split_address(address);
  const bool is_good = parts.has_domain && (mail::is_fqdn(parts.domain, is_utf8_allowed(check)) ||
                                            mail::is_address_literal(parts.domain));
  if (is_good) return Outcome::dunno;
  return check.reject(check.params().non_fqdn_code(), "5.5.2",
                      check.rejected(subject, "need fully-qualified address"));
}

bool is_null_mx(const dns::Reply& reply) {
  return std::ranges::any_of(
      reply.records, [](const dns::Record& record) { return record.value.empty() || record.value == "."; });
}

// No record names a host.
bool is_malformed(const dns::Reply& reply) {
  return reply.malformed || (reply.outcome == dns::Outcome::found &&
                             std::ranges::none_of(reply.records, [](const dns::Record& record) {
                               return mail::is_valid_hostname(record.value, true) ||
                                      mail::is_ip_address(record.value);
                             }));
}

Outcome refuse_unknown_domain(Check& check, Subject subject, std::string_view address) {
  Session& session = check.session();
  const auto resolved = session.neighbours().resolve("", address);
  if (!resolved || resolved->status == ipc::Resolved::Status::temporary) return check.table_trouble(subject);
  if (resolved->address_class != ipc::AddressClass::other &&
      resolved->address_class != ipc::AddressClass::relay) {
    return Outcome::dunno;
  }
  const auto parts = mail::split_address(resolved->recipient);
  if (!parts.has_domain || parts.domain.starts_with('[')) return Outcome::dunno;
  const std::string_view dsn = subject == Subject::sender ? "4.1.8" : "4.1.2";
  const int code = check.params().unknown_address_code();
  const dns::Reply mx = ask(check, parts.domain, dns::Type::mx);
  if (mx.outcome == dns::Outcome::found && is_null_mx(mx)) {
    return check.reject(
        subject == Subject::sender ? 550 : 556, subject == Subject::sender ? "5.7.27" : "5.1.10",
        check.rejected(subject, fmt::format("Domain {} does not accept mail (nullMX)", parts.domain)));
  }
  if (is_malformed(mx)) return check.reject(code, dsn, check.rejected(subject, "Malformed DNS server reply"));
  if (mx.outcome == dns::Outcome::found) return Outcome::dunno;
  const dns::Reply reply =
      mx.outcome == dns::Outcome::temporary ? mx : ask_for_addresses(check, parts.domain);
  const dns::Outcome outcome = reply.outcome;
  if (outcome == dns::Outcome::found || is_filtered(reply, parts.domain, "MX or address"))
    return Outcome::dunno;
  const std::string text = check.rejected(subject, "Domain not found");
  if (outcome == dns::Outcome::temporary) {
    return check.tempfail(check.params().unknown_address_tempfail(), 450, dsn, text);
  }
  return check.reject(code, dsn, text);
}

Outcome refuse_client(Check& check, NameStatus status, std::string_view dsn, std::string_view kind) {
  if (status == NameStatus::ok) return Outcome::dunno;
  const std::string text =
      fmt::format("Client host rejected: cannot find your {}, [{}]", kind, check.session().client.address);
  return check.reject(status == NameStatus::temporary ? 450 : check.params().unknown_client_code(), dsn,
                      text);
}

Outcome refuse_bad_literal(Check& check, std::string_view name) {
  if (mail::is_address_literal(name)) return Outcome::dunno;
  return check.reject(check.params().invalid_hostname_code(), "5.5.2",
                      check.rejected(Subject::helo, "invalid ip address"));
}

}  // namespace

Outcome reject_invalid_helo_hostname(Check& check) {
  const std::string name = check.session().helo_name.value_or("");
  if (!check.session().helo_name) return Outcome::dunno;
  if (name.starts_with('[')) return refuse_bad_literal(check, name);
  if (mail::is_valid_hostname(name, is_utf8_allowed(check)) || mail::is_ip_address(name))
    return Outcome::dunno;
  return check.reject(check.params().invalid_hostname_code(), "5.5.2",
                      check.rejected(Subject::helo, "Invalid name"));
}

Outcome reject_non_fqdn_helo_hostname(Check& check) {
  if (!check.session().helo_name) return Outcome::dunno;
  const std::string& name = *check.session().helo_name;
  if (name.starts_with('[')) return refuse_bad_literal(check, name);
  if (mail::is_fqdn(name, is_utf8_allowed(check))) return Outcome::dunno;
  return check.reject(check.params().non_fqdn_code(), "5.5.2",
                      check.rejected(Subject::helo, "need fully-qualified hostname"));
}

Outcome reject_unknown_helo_hostname(Check& check) {
  if (!check.session().helo_name) return Outcome::dunno;
  const std::string& name = *check.session().helo_name;
  if (name.starts_with('[')) return refuse_bad_literal(check, name);
  dns::Reply reply = ask_for_addresses(check, name);
  if (reply.outcome == dns::Outcome::no_data || reply.outcome == dns::Outcome::no_host) {
    dns::Reply mx = ask(check, name, dns::Type::mx);
    if (mx.outcome == dns::Outcome::found || mx.outcome == dns::Outcome::temporary) reply = std::move(mx);
  }
  const dns::Outcome outcome = reply.outcome;
  if (outcome == dns::Outcome::found || is_filtered(reply, name, "address or MX")) return Outcome::dunno;
  const std::string text = check.rejected(Subject::helo, "Host not found");
  if (outcome == dns::Outcome::temporary)
    return check.tempfail(check.params().unknown_helo_tempfail(), 450, "4.7.1", text);
  return check.reject(check.params().unknown_hostname_code(), "4.7.1", text);
}

Outcome reject_non_fqdn_sender(Check& check) {
  const auto& transaction = check.session().transaction;
  if (!transaction || transaction->sender.empty()) return Outcome::dunno;
  return refuse_non_fqdn(check, Subject::sender, transaction->sender);
}

Outcome reject_non_fqdn_recipient(Check& check) {
  const std::string& recipient = check.session().recipient;
  if (recipient.empty()) return Outcome::dunno;
  return refuse_non_fqdn(check, Subject::recipient, recipient);
}

Outcome reject_unknown_sender_domain(Check& check) {
  const auto& transaction = check.session().transaction;
  if (!transaction || transaction->sender.empty()) return Outcome::dunno;
  return refuse_unknown_domain(check, Subject::sender, transaction->sender);
}

Outcome reject_unknown_recipient_domain(Check& check) {
  if (check.session().recipient.empty()) return Outcome::dunno;
  return refuse_unknown_domain(check, Subject::recipient, check.session().recipient);
}

Outcome reject_unknown_client_hostname(Check& check) {
  return refuse_client(check, check.session().client.name_status, "4.7.25", "hostname");
}

Outcome reject_unknown_reverse_client_hostname(Check& check) {
  return refuse_client(check, check.session().client.reverse_name_status, "4.7.1", "reverse hostname");
}

}  // namespace posthouse::smtpd
