// VRFY (RFC 5321 3.5): says whether RCPT would be accepted, without telling what the address stands for.
#include <fmt/format.h>

#include "lib/base/text.h"
#include "smtpd/access.h"
#include "smtpd/envelope_address.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {

Reply vrfy(Session& session, const protocol::SmtpCommand& command) {
  if (session.params().disable_vrfy()) return {"502 5.5.1 VRFY command is disabled"};
  std::string_view text = command.rest();
  const bool has_utf8 = session.settings().messages->smtputf8_enable();
  if (text.empty()) return {fmt::format("501 5.5.4 Syntax: VRFY address{}", has_utf8 ? " [SMTPUTF8]" : "")};
  if (command.arguments().size() > 1 && equal_ignoring_case(command.arguments().back(), "SMTPUTF8")) {
    text = trim_right(text.substr(0, text.size() - 8));
  }
  if (session.params().helo_required() && !session.helo_name)
    return {"503 5.5.1 Error: send HELO/EHLO first"};
  auto address = envelope_address(session, "VRFY", text, false, false);
  if (!address) return {"501 5.1.3 Bad recipient address syntax"};
  session.recipient = std::move(*address);
  const auto refused = check_recipient(session);
  session.recipient.clear();
  if (refused) return *refused;
  return {fmt::format("252 2.0.0 {}", printable(text))};
}

}  // namespace posthouse::smtpd
