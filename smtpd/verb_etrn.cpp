// ETRN (RFC 1985): delivery of the mail that waits for a site.
#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "smtpd/access.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {

Reply etrn(Session& session, const protocol::SmtpCommand& command) {
  if (session.params().helo_required() && !session.helo_name) return {"503 Error: send HELO/EHLO first"};
  if (session.transaction) return {"503 Error: MAIL transaction in progress"};
  if (command.arguments().size() != 1) return {"500 Syntax: ETRN domain"};
  std::string_view domain = command.arguments()[0];
  if (domain[0] == '@' || domain[0] == '#') domain.remove_prefix(1);
  if (!mail::is_valid_hostname(domain) && !mail::is_address_literal(domain)) {
    return {"501 Error: invalid parameter syntax"};
  }
  session.etrn_domain = domain;
  const auto refused = check_etrn(session);
  session.etrn_domain.clear();
  if (refused) return *refused;
  const auto is_eligible = session.settings().fast_flush_domains.matches(domain);
  if (!is_eligible) return {"458 Unable to queue messages", trouble::kNone};
  if (!*is_eligible) {
    log::warning("reject: ETRN {}... from {}", printable(domain.substr(0, 100)), session.client.label());
    return {fmt::format("459 <{}>: service unavailable", printable(domain)), trouble::kNone};
  }
  const auto queued = session.neighbours().flush_site(domain);
  if (!queued) return {"458 Unable to queue messages", trouble::kNone};
  return {*queued ? "250 Queuing started" : "458 Unable to queue messages", trouble::kNone};
}

}  // namespace posthouse::smtpd
