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
  Result<void> use_tables(const service::Environment& environment, Settings& settings);
  Result<void> make_resolver(const service::Environment& environment);
  dns::Lookups& make_lookups(const RouteSettings& route);
  std::string changed_table() const;

  bool is_lmtp_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<dns::Lookups> filtered_, searching_;  // if there are settings for them
  std::shared_ptr<const ClientTables> tables_;
  std::shared_ptr<const GenericMap> generic_;
  std::unique_ptr<peers::Submission> submission_;
  std::unique_ptr<Client> client_;
};

}  // namespace posthouse::delivery::smtp
