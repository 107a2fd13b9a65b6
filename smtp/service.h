// The smtp program: lib/delivery/smtp as a service of its own.
#pragma once

#include "lib/delivery/smtp/client_agent.h"

namespace posthouse::smtp {

inline constexpr service::Plan kPlan{.program = "smtp"};

class Agent : public delivery::smtp::ClientAgent {
 public:
  Agent() : ClientAgent(/*is_lmtp=*/false) {}
};

}  // namespace posthouse::smtp
