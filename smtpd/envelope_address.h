// Addresses of MAIL, RCPT and VRFY: parsed and judged, with the log line for bad ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthouse::smtpd {

class Session;

// Internal form; nothing after a warning was logged. `verb` is "MAIL", "RCPT" or "VRFY".
std::optional<std::string> envelope_address(Session& session, std::string_view verb, std::string_view text,
                                            bool may_be_empty, bool is_strict);

}  // namespace posthouse::smtpd
