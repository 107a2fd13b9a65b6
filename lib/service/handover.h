// Services of type "pass": another process accepts the client and hands its socket over.
#pragma once

#include "lib/base/unique_fd.h"

namespace posthouse::service {

// The descriptor that comes with the next byte on a UNIX socket (SCM_RIGHTS), close-on-exec; empty when the
// byte comes alone or the sender has gone. Call it when the socket is readable.
UniqueFd receive_descriptor(int fd);

}  // namespace posthouse::service
