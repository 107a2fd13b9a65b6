#include "smtpd/envelope_address.h"

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/mail/path.h"
#include "lib/mail/quote.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

bool has_good_domain(std::string_view address, bool allow_utf8) {
  auto [local, domain, has_domain] = mail::split_address(address);
  if (!has_domain) return true;
  if (domain.starts_with('[')) return mail::is_address_literal(domain);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return mail::is_valid_hostname(domain, allow_utf8);
}

// Nothing in it that routing could take for a mistake: no operators, no leading "-".
bool has_plain_local_part(std::string_view address) {
  const std::string_view local = mail::split_address(address).local;
  return !local.starts_with('-') && local.find_first_of("%!@") == std::string_view::npos;
}

// What routing makes of an unusual address decides whether it is one: "user%@ours.example" has no domain.
bool is_routable(Session& session, const std::string& address, bool allow_utf8) {
  if (has_plain_local_part(address) && has_good_domain(address, allow_utf8)) return true;
  if (!allow_utf8 && !is_ascii(mail::split_address(address).domain)) return false;
  const auto resolved = session.neighbours().resolve("", address);
  return !resolved || resolved->status != ipc::Resolved::Status::bad_syntax;
}

}  // namespace

std::optional<std::string> envelope_address(Session& session, std::string_view verb, std::string_view text,
                                            bool may_be_empty, bool is_strict) {
  auto address = mail::parse_path(text, {.is_strict = is_strict, .may_be_empty = may_be_empty});
  const bool allow_utf8 = session.transaction && session.transaction->smtputf8;
  const bool is_good = address && address->size() <= 1000 &&
                       address->find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos &&
                       (address->empty() || is_routable(session, *address, allow_utf8));
  if (is_good) return address;
  log::warning("Illegal address syntax from {} in {} command: {}", session.client.label(), verb,
               printable(text.substr(0, 100)));
  return std::nullopt;
}

}  // namespace posthouse::smtpd
