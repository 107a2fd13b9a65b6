// Who may use a command: the authorized_*_users parameters.
#pragma once

#include <string>
#include <string_view>

#include "lib/command/start.h"

namespace posthouse::callers {

// Ends the process with `status` unless the login name of the real user ("unknown" without one) matches the
// list in the parameter `name`. `action`: "submit mail", for the message.
void must_be_in(const command::Started& started, const std::string& name, std::string_view action,
                int status);

}  // namespace posthouse::callers
