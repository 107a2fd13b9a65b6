// smtpd_reject_footer, smtpd_reject_footer_maps: text that the administrator adds to 4xx and 5xx replies.
#pragma once

#include "smtpd/reply.h"

namespace posthouse::smtpd {

class Session;

// "\n" in the footer starts a further line; a footer that begins with "\c" continues the reply's last line.
// $client_address and its kin are expanded; what is not in smtpd_expansion_filter becomes "_". The reply as
// it is without a footer for it. May wait.
Reply with_footer(Reply reply, const Session& session);

}  // namespace posthouse::smtpd
