// Where a process finds the other daemons (sockets relative to the queue directory), and how long it waits
// for them: from the *_service_name and ipc_* parameters of the process's own main.cf with its -o options.
#pragma once

#include <algorithm>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/config/main_cf.h"
#include "lib/ipc/keeping.h"

namespace posthouse::peers {

struct Services {
  std::string bounce = "private/bounce", defer = "private/defer", trace = "private/trace";
  std::string rewrite = "private/rewrite", verify = "private/verify";
  std::string cleanup = "public/cleanup", flush = "public/flush", pickup = "public/pickup";
  std::string queue = "public/qmgr", showq = "public/showq";
  std::string error_transport = "error";  // a name, as those of other transports

  std::chrono::seconds timeout{3600};        // ipc_timeout
  std::chrono::seconds trigger_timeout{10};  // of QmgrClient
  ipc::Keeping keeping;

  // For one answer; `at_most`: the limit that the question has by itself.
  Deadline deadline() const { return deadline_after(timeout); }
  Deadline deadline(std::chrono::seconds at_most) const { return deadline_after(std::min(at_most, timeout)); }
};

Result<Services> load_services(const config::MainCf& main_cf);

}  // namespace posthouse::peers
