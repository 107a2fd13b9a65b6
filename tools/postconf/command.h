// postconf(1): shows and edits main.cf and master.cf.
#pragma once

#include <cstdio>

#include "lib/config/host.h"

namespace posthouse::postconf {

// The exit status. Output as Postfix's postconf: settings on `out`, "postconf: warning: ..." on `err`.
int run(int argc, char** argv, config::Host host, std::FILE* out, std::FILE* err);

}  // namespace posthouse::postconf
