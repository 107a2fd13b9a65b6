// Opens the queue file of a transaction: what cleanup is told about the message and its client.
#pragma once

#include <optional>

#include "smtpd/reply.h"

namespace posthouse::smtpd {

class Session;

// Does nothing if it is open already. Logs "QID: client=…". May wait.
std::optional<Reply> open_message(Session& session);

}  // namespace posthouse::smtpd
