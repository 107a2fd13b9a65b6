// The agent that delivers nothing: the next hop is the reason, with a status code in front.
//
// As service `retry` it defers all recipients, under any other name (`error`) it returns them.
#pragma once

#include "lib/delivery/agent.h"

namespace posthouse::error {

inline constexpr service::Plan kPlan{.program = "error"};

// What becomes of the recipients: "5.1.3 bad address syntax" -> that code and text.
Failure failure_of(std::string_view next_hop, bool retries);

class ErrorAgent : public delivery::Agent {
 public:
  Result<void> prepare(const service::Environment& environment) override;

 protected:
  void deliver(delivery::Attempt& attempt) override;

 private:
  bool retries_ = false;
};

}  // namespace posthouse::error
