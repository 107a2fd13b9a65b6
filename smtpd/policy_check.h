// check_policy_service: the request made from a session, the action of the reply done.
#pragma once

#include "smtpd/access_action.h"
#include "smtpd/policy_client.h"

namespace posthouse::smtpd {

// "inet:127.0.0.1:10023" or "{ inet:host:port, timeout=10s, default_action=DUNNO }". A failure names what is
// wrong.
Result<PolicyService> parse_policy_service(std::string_view text, const Params& params);

Outcome check_policy_service(Check& check, const PolicyService& service, const ListParser& parse);

}  // namespace posthouse::smtpd
