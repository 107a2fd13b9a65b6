// The end of a message's content, however it came: the last checks and cleanup's verdict.
#pragma once

#include "smtpd/reply.h"

namespace posthouse::smtpd {

class Session;

struct ContentResult {
  bool is_complete = false;
  bool is_too_big = false;
  bool is_lost = false;  // cleanup is gone
  bool has_bare_lf = false;
};

// The reply to the last piece of content. 250 only after cleanup's success. The caller ends the transaction.
Reply conclude_message(Session& session, const ContentResult& received);

}  // namespace posthouse::smtpd
