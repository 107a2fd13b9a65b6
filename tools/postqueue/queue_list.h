// Prints a queue listing from the showq service; when the mail system is down, from a showq process of its
// own.
#pragma once

#include "lib/command/start.h"
#include "lib/peers/services.h"
#include "tools/postqueue/report.h"

namespace posthouse::postqueue {

// The working directory is the queue directory. Exit status.
int print_listing(const command::Started& started, const peers::Services& services, Report& report);

}  // namespace posthouse::postqueue
