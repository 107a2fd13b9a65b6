// The lmtp program: lib/delivery/smtp as a service of its own.
#pragma once

#include "lib/delivery/smtp/client_agent.h"

namespace posthouse::lmtp {

inline constexpr service::Plan kPlan{.program = "lmtp"};

class Agent : public delivery::smtp::ClientAgent {
 public:
  Agent() : ClientAgent(/*is_lmtp=*/true) {}
};

}  // namespace posthouse::lmtp
