// Access control: the restriction lists applied at each stage (SMTPD_ACCESS: client, helo, sender, relay,
// recipient, data, end of data, etrn). Each function returns the reply that refuses, already logged, or
// nothing. All may wait.
#pragma once

#include <optional>

#include "smtpd/reply.h"

namespace posthouse::smtpd {

class Session;

std::optional<Reply> check_client(Session& session);  // only without smtpd_delay_reject
std::optional<Reply> check_helo(Session& session);    // only without smtpd_delay_reject
std::optional<Reply> check_sender(Session& session);
std::optional<Reply> check_recipient(Session& session);  // also for VRFY
std::optional<Reply> check_data(Session& session);
std::optional<Reply> check_end_of_data(Session& session);
std::optional<Reply> check_etrn(Session& session);
// Declared size against message_size_limit, free space against queue_minfree.
std::optional<Reply> check_size(Session& session);
// What a client that was refused as a whole hears from then on.
Reply access_denied(const Session& session);

}  // namespace posthouse::smtpd
