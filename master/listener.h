// Listening sockets: TCP, UNIX stream and datagram sockets, FIFOs. They live as long as the service does in
// master.cf, over reloads and restarts of the processes that accept from them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"
#include "master/settings.h"

namespace posthouse::master {

struct Listener {
  UniqueFd fd;             // non-blocking, close-on-exec
  std::string key;         // "inet:127.0.0.1:25", "unix:private/rewrite"; the same key = the same socket
  std::string address;     // numeric, or the path
  std::uint16_t port = 0;  // as bound
};

using ListenersByKey = std::map<std::string, int>;

// Opens all sockets of one service, or takes over (duplicates) those that `open_now` has. The working
// directory is the queue directory. `owner` is who shall own UNIX sockets; nullptr = whoever runs this.
// Failure text: "bind 0.0.0.0 port 25: Address already in use".
struct Owner {
  unsigned uid = 0, gid = 0;
};
Result<std::vector<Listener>> open_listeners(const config::MasterEntry& entry, const Settings& settings,
                                             const Owner* owner, const ListenersByKey& open_now);

}  // namespace posthouse::master
