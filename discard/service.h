// The agent that throws mail away and calls it delivered: the next hop is the text to log, a status code may
// lead it ("2.0.0 undeliverable postmaster notification discarded").
#pragma once

#include "lib/delivery/agent.h"

namespace posthouse::discard {

inline constexpr service::Plan kPlan{.program = "discard"};

delivery::Success success_of(std::string_view next_hop);

class DiscardAgent : public delivery::Agent {
 protected:
  void deliver(delivery::Attempt& attempt) override;
};

}  // namespace posthouse::discard
