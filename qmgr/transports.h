// The limits of each transport, from main.cf (<transport>_destination_… parameters) and master.cf (its
// process limit), computed when a transport is first used and kept until the next reload.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "lib/base/failure.h"
#include "lib/config/main_cf.h"
#include "qmgr/parameters.h"
#include "qmgr/scheduler.h"

namespace posthouse::qmgr {

class Transports {
 public:
  // `process_limits`: explicit maxproc of the unix services of master.cf. `fallback_deliveries` bounds the
  // others.
  Transports(std::shared_ptr<const config::MainCf> main_cf, std::map<std::string, std::size_t> process_limits,
             std::size_t fallback_deliveries);

  const TransportLimits& limits(const std::string& transport);
  bool is_per_recipient(const std::string& transport) { return limits(transport).recipients == 1; }

 private:
  TransportLimits compute(const std::string& transport) const;

  std::shared_ptr<const config::MainCf> main_cf_;
  std::map<std::string, std::size_t> process_limits_;
  std::size_t fallback_deliveries_;
  std::map<std::string, TransportLimits> known_;
};

// Reads CONFIG_DIRECTORY/master.cf (blocking): service name -> explicit process limit.
Result<std::map<std::string, std::size_t>> read_process_limits(const std::string& config_directory);

}  // namespace posthouse::qmgr
