// Asks policy servers (check_policy_service; compat protocols.md 2) over kept connections.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/runtime/stream.h"

namespace posthouse::smtpd {

struct PolicyService {
  std::string endpoint;  // "inet:host:port", "unix:path"
  std::string default_action, context;
  std::chrono::seconds timeout{100}, max_idle{300}, max_ttl{1000}, retry_delay{1};
  int try_limit = 2, request_limit = 0;
};

class PolicyClients {
 public:
  // The action of the reply, or the service's default action after try_limit failures (logged). May wait.
  std::string ask(const PolicyService& service, const std::string& request);

 private:
  struct Connection {
    runtime::Stream stream;
    Deadline opened, used;
    int requests = 0;
  };
  Result<Connection> connection(const PolicyService& service, Deadline deadline, bool wants_new);
  Result<std::string> exchange(Connection& connection, const std::string& request, Deadline deadline);

  std::map<std::string, std::vector<Connection>> idle_;  // by endpoint
};

}  // namespace posthouse::smtpd
