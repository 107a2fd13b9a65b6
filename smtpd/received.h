// The Received header that the server puts on top of each message (RFC 5321 4.4; compat protocols.md 18).
#pragma once

#include <string>

#include "lib/base/clock.h"

namespace posthouse::smtpd {

class Session;

// With its final LF. "for <rcpt>" only if there is exactly one recipient.
std::string received_header(const Session& session, Time now);

}  // namespace posthouse::smtpd
