// The queue manager as a service: configuration, connections, reload, drain.
#pragma once

#include <memory>

#include "lib/ipc/client.h"
#include "lib/peers/services.h"
#include "lib/queuefile/layout.h"
#include "lib/runtime/fiber.h"
#include "lib/service/service.h"
#include "qmgr/active_queue.h"
#include "qmgr/agents.h"
#include "qmgr/feeder.h"
#include "qmgr/transports.h"

namespace posthouse::qmgr {

inline constexpr service::Plan kPlan{.program = "qmgr",
                                     .reloads_in_place = true,
                                     .is_single = true,
                                     .watchdog = &service::Parameters::qmgr_daemon_timeout};

class QueueManager : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void start() override;
  void serve(runtime::Stream stream) override;
  Result<void> reload(const service::Environment& environment) override;
  void drain() override;
  bool is_busy() const override { return true; }  // never idle: the deferred queue is scanned

 private:
  // All that comes from the configuration, complete before anything of the old one is replaced.
  struct Settings {
    std::shared_ptr<const Parameters> parameters;
    peers::Services services;
    ActiveLimits limits;
    queuefile::Layout layout;
    std::size_t spare_limit = 0;
    RoutingRules rules;
    std::shared_ptr<Transports> transports;
  };
  static Result<Settings> load(const service::Environment& environment);
  void connect(const Settings& settings);
  static Scheduler::LimitsOf limits_of(const Settings& settings);
  Peers peers();

  struct Asked;
  struct Clients;
  std::shared_ptr<Clients> clients_;
  std::unique_ptr<ActiveQueue> active_;
  std::unique_ptr<Feeder> feeder_;
  runtime::Fiber tidier_;
};

}  // namespace posthouse::qmgr
