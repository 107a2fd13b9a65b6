// Restrictions about names: syntax of HELO names and addresses, and what the DNS knows of them.
#pragma once

#include "smtpd/check.h"

namespace posthouse::smtpd {

Outcome reject_invalid_helo_hostname(Check& check);
Outcome reject_non_fqdn_helo_hostname(Check& check);
Outcome reject_unknown_helo_hostname(Check& check);
Outcome reject_non_fqdn_sender(Check& check);
Outcome reject_non_fqdn_recipient(Check& check);
Outcome reject_unknown_sender_domain(Check& check);
Outcome reject_unknown_recipient_domain(Check& check);
Outcome reject_unknown_client_hostname(Check& check);
Outcome reject_unknown_reverse_client_hostname(Check& check);

}  // namespace posthouse::smtpd
