#include "smtpd/verbs.h"

#include "lib/base/text.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {

std::size_t find_verb(std::string_view name) {
  for (std::size_t i = 0; i < kUnknownVerb; ++i) {
    if (kVerbs[i].name.size() == name.size() && equal_ignoring_case(kVerbs[i].name, name)) return i;
  }
  return kUnknownVerb;
}

Reply rset(Session& session, const protocol::SmtpCommand& command) {
  if (!command.arguments().empty()) return {"501 5.5.4 Syntax: RSET"};
  session.reset_transaction();
  session.limit_record();
  return {"250 2.0.0 Ok"};
}

Reply noop(Session&, const protocol::SmtpCommand&) {
  return {"250 2.0.0 Ok"};
}

Reply quit(Session& session, const protocol::SmtpCommand&) {
  session.end(Session::End::quit);
  return {"221 2.0.0 Bye"};
}

Reply starttls(Session&, const protocol::SmtpCommand& command) {
  if (!command.arguments().empty()) return {"501 5.5.4 Syntax: STARTTLS"};
  return {"502 5.5.1 Error: command not implemented"};
}

Reply auth(Session&, const protocol::SmtpCommand&) {
  return {"503 5.5.1 Error: authentication not enabled"};
}

Reply help(Session&, const protocol::SmtpCommand&) {
  return {"214 2.0.0 Commands: HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY ETRN HELP"};
}

Reply unknown(Session& session, const protocol::SmtpCommand& command) {
  for (const std::string& word : session.params().noop_commands()) {
    if (equal_ignoring_case(word, command.verb())) return {"250 2.0.0 Ok"};
  }
  return {"500 5.5.2 Error: command not recognized"};
}

}  // namespace posthouse::smtpd
