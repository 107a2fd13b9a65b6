// Who may use a command: the authorized_*_users parameters.
#pragma once

#include "lib/command/start.h"

namespace posthouse::callers {

enum class Action : unsigned char { submit, view_queue, flush_queue };

// Ends the process with `status` unless the login name of the real user ("unknown" without one) is in the
// list for the action.
void must_be_allowed(const command::Started& started, Action action, int status);

}  // namespace posthouse::callers
