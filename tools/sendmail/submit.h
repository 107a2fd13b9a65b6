// Hands a message to postdrop: envelope, content from standard input, recipients found in it.
#pragma once

#include "lib/command/start.h"
#include "tools/sendmail/options.h"

namespace posthouse::sendmail {

// The exit status. Failures are logged as "fatal: USER(UID): ...".
int submit(const command::Started& started, const Options& options);

}  // namespace posthouse::sendmail
