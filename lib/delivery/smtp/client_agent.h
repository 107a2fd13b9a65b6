// The delivery agent behind the smtp and lmtp programs.
#pragma once

#include <memory>

#include "lib/delivery/agent.h"
#include "lib/delivery/smtp/client.h"

namespace posthouse::delivery::smtp {

class ClientAgent : public Agent {
 public:
  explicit ClientAgent(bool is_lmtp) : is_lmtp_(is_lmtp) {}
  Result<void> prepare(const service::Environment& environment) override;
  void drain() override;

 private:
  void deliver(Attempt& attempt) override;
  Result<void> use_filter(const service::Environment& environment);

  bool is_lmtp_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::shared_ptr<const GenericMap> generic_;
  std::unique_ptr<peers::Submission> submission_;
  std::unique_ptr<Client> client_;
};

}  // namespace posthouse::delivery::smtp
