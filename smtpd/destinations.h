// Restrictions that ask where an address leads: relay control and unknown users.
#pragma once

#include "lib/ipc/messages/rewrite.h"
#include "smtpd/check.h"

namespace posthouse::smtpd {

Outcome reject_unauth_destination(Check& check);
Outcome defer_unauth_destination(Check& check);
Outcome permit_auth_destination(Check& check);
Outcome permit_mx_backup(Check& check);
Outcome reject_unlisted_recipient(Check& check);
Outcome reject_unlisted_sender(Check& check);
Outcome reject_unverified_recipient(Check& check);
Outcome reject_unverified_sender(Check& check);

// True if mail for the address is delivered here or relayed by agreement.
bool is_authorised_destination(Check& check, const ipc::Resolved& resolved);

}  // namespace posthouse::smtpd
