// Where a process finds the other daemons: sockets relative to the queue directory, from the *_service_name
// parameters of the process's own main.cf with its -o options.
#pragma once

#include <string>

#include "lib/base/failure.h"
#include "lib/config/main_cf.h"

namespace posthouse::peers {

struct Services {
  std::string bounce = "private/bounce", defer = "private/defer", trace = "private/trace";
  std::string rewrite = "private/rewrite", verify = "private/verify";
  std::string cleanup = "public/cleanup", flush = "public/flush", pickup = "public/pickup";
  std::string queue = "public/qmgr", showq = "public/showq";
  std::string error_transport = "error";  // a name, as those of other transports
};

Result<Services> load_services(const config::MainCf& main_cf);

}  // namespace posthouse::peers
