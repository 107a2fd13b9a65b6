// One reply to one command (RFC 5321 4.2): complete text without the last line end.
//
// Several lines are separated by CRLF and carry their codes: "250-one\r\n250 two". A 421 or 521 reply ends
// the session. An empty text means: say nothing (the connection is gone or is dropped silently).
// A failure says which class of trouble it is to the postmaster (notify_classes); what nobody classified is
// a mistake of the client's.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/peers/session_notice.h"

namespace posthouse::smtpd {

namespace trouble = peers::trouble;

struct Reply {
  std::string text;
  unsigned trouble = trouble::kProtocol;  // of a failure

  char first() const { return text.empty() ? '0' : text.front(); }
  bool is_failure() const { return first() == '4' || first() == '5' || text.empty(); }
  bool ends_session() const { return text.empty() || text.starts_with("421") || text.starts_with("521"); }
  bool is_silent() const { return text.empty(); }
};

// "550 5.1.1 <x>: text" from its parts; the class digit of the status follows the code.
Reply reply_of(int code, std::string_view dsn, std::string_view text, unsigned trouble = trouble::kProtocol);
// 451 or 550 with the failure's own status and text.
Reply reply_to(const Failure& failure);
// 5xx becomes 4xx and 5.x.x becomes 4.x.x (soft_bounce).
Reply softened(Reply reply);

}  // namespace posthouse::smtpd
