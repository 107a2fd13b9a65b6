// Asks for delivery now: of everything, of one message, of the mail for one site.
#pragma once

#include <string>

#include "lib/peers/services.h"

namespace posthouse::postqueue {

// The working directory is the queue directory. Exit status; trouble is logged.
int flush_queue(const peers::Services& services);
int flush_message(const peers::Services& services, const std::string& queue_id);
int flush_site(const peers::Services& services, const std::string& site);

// A domain name or an address literal in [].
bool is_site(const std::string& text);

}  // namespace posthouse::postqueue
