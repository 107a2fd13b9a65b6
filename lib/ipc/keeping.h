// For how long a connection to another daemon is kept while nobody uses it (ipc_idle), and in all (ipc_ttl).
#pragma once

#include "lib/base/clock.h"

namespace posthouse::ipc {

struct Keeping {
  Duration idle = std::chrono::seconds(5), lifetime = std::chrono::seconds(1000);
};

}  // namespace posthouse::ipc
