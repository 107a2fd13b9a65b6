// The verify service: one process; a cache in a Berkeley file is locked for its life.
#pragma once

#include <memory>
#include <optional>

#include "lib/ipc/dispatcher.h"
#include "lib/peers/verify_sender.h"
#include "lib/runtime/fiber.h"
#include "lib/service/service.h"
#include "lib/table/tables.h"
#include "verify/address_store.h"
#include "verify/probe.h"

namespace posthouse::verify {

inline constexpr service::Plan kPlan{.program = "verify", .reloads_in_place = true, .is_single = true};

class Verify : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void start() override;
  void serve(runtime::Stream stream) override;
  // Takes the new times and sender; a new address_verify_map needs a restart.
  Result<void> reload(const service::Environment& environment) override;
  void drain() override;

 private:
  Result<void> load(const service::Environment& environment);
  Result<void> open_cache(const service::Environment& environment);
  void send_probe(const std::string& address);

  std::string map_;
  Rules rules_;
  std::chrono::seconds cleanup_interval_{0};
  std::optional<peers::VerifySender> sender_;
  std::unique_ptr<table::Tables> tables_;
  std::unique_ptr<table::Cache> cache_;
  std::unique_ptr<AddressStore> store_;
  std::shared_ptr<ProbeSender> probes_;
  ipc::Dispatcher dispatcher_;
  runtime::Fiber cleaner_;
};

}  // namespace posthouse::verify
