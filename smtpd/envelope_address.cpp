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

}  // namespace

std::optional<std::string> envelope_address(Session& session, std::string_view verb, std::string_view text,
                                            bool may_be_empty, bool is_strict) {
  auto address = mail::parse_path(text, {.is_strict = is_strict, .may_be_empty = may_be_empty});
  const bool allow_utf8 = session.transaction && session.transaction->smtputf8;
  const bool is_good = address && address->size() <= 1000 &&
                       address->find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos &&
                       has_good_domain(*address, allow_utf8);
  if (is_good) return address;
  log::warning("Illegal address syntax from {} in {} command: {}", session.client.label(), verb,
               printable(text.substr(0, 100)));
  return std::nullopt;
}

}  // namespace posthouse::smtpd
