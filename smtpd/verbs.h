// The SMTP commands: one row and one function each (verb_*.cpp).
//
// A function does what the command says and returns the one reply to it. It may wait.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lib/protocol/smtp_command.h"
#include "smtpd/reply.h"

namespace posthouse::smtpd {

class Session;

struct Verb {
  std::string_view name;   // "MAIL"
  std::string_view label;  // "mail", as the disconnect line counts it
  Reply (*obey)(Session& session, const protocol::SmtpCommand& command);
  bool ends_batch = false;  // nothing may be pipelined behind it (RFC 2920)
  bool is_junk = false;     // counts towards smtpd_junk_command_limit
};

Reply helo(Session& session, const protocol::SmtpCommand& command);
Reply ehlo(Session& session, const protocol::SmtpCommand& command);
Reply xclient(Session& session, const protocol::SmtpCommand& command);
Reply xforward(Session& session, const protocol::SmtpCommand& command);
Reply mail_from(Session& session, const protocol::SmtpCommand& command);
Reply rcpt_to(Session& session, const protocol::SmtpCommand& command);
Reply data(Session& session, const protocol::SmtpCommand& command);
Reply bdat(Session& session, const protocol::SmtpCommand& command);
Reply starttls(Session& session, const protocol::SmtpCommand& command);
Reply auth(Session& session, const protocol::SmtpCommand& command);
Reply rset(Session& session, const protocol::SmtpCommand& command);
Reply noop(Session& session, const protocol::SmtpCommand& command);
Reply vrfy(Session& session, const protocol::SmtpCommand& command);
Reply etrn(Session& session, const protocol::SmtpCommand& command);
Reply quit(Session& session, const protocol::SmtpCommand& command);
Reply help(Session& session, const protocol::SmtpCommand& command);
Reply unknown(Session& session, const protocol::SmtpCommand& command);

// In the order of the disconnect line; the last row is for everything else.
inline constexpr std::array kVerbs{
    Verb{.name = "HELO", .label = "helo", .obey = helo, .ends_batch = true},
    Verb{.name = "EHLO", .label = "ehlo", .obey = ehlo, .ends_batch = true},
    Verb{.name = "XCLIENT", .label = "xclient", .obey = xclient, .ends_batch = true},
    Verb{.name = "XFORWARD", .label = "xforward", .obey = xforward},
    Verb{.name = "STARTTLS", .label = "starttls", .obey = starttls, .ends_batch = true},
    Verb{.name = "AUTH", .label = "auth", .obey = auth},
    Verb{.name = "MAIL", .label = "mail", .obey = mail_from},
    Verb{.name = "RCPT", .label = "rcpt", .obey = rcpt_to},
    Verb{.name = "DATA", .label = "data", .obey = data, .ends_batch = true},
    Verb{.name = "BDAT", .label = "bdat", .obey = bdat},
    Verb{.name = "RSET", .label = "rset", .obey = rset, .is_junk = true},
    Verb{.name = "NOOP", .label = "noop", .obey = noop, .ends_batch = true, .is_junk = true},
    Verb{.name = "VRFY", .label = "vrfy", .obey = vrfy, .ends_batch = true, .is_junk = true},
    Verb{.name = "ETRN", .label = "etrn", .obey = etrn, .is_junk = true},
    Verb{.name = "QUIT", .label = "quit", .obey = quit},
    Verb{.name = "HELP", .label = "help", .obey = help},
    Verb{.name = "", .label = "unknown", .obey = unknown},
};
inline constexpr std::size_t kUnknownVerb = kVerbs.size() - 1;

std::size_t find_verb(std::string_view name);  // index into kVerbs

}  // namespace posthouse::smtpd
