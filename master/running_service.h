// One service of master.cf with its sockets and processes; tells when a process is wanted.
//
// Owned by Supervisor. A process that was asked to drain belongs to the past: it does not count as available,
// but a `single` service waits for its end before the successor starts.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/unique_fd.h"
#include "master/listener.h"
#include "master/service_plan.h"
#include "master/throttle.h"

namespace posthouse::master {

struct Process {
  pid_t pid = 0;
  std::size_t slot = 0;
  UniqueFd status;  // read end
  bool is_busy = false;
  bool is_draining = false;
  Deadline started;
};

struct RunningService {
  ServicePlan plan;
  std::vector<Listener> listeners;
  std::vector<Process> processes;
  Throttle throttle;
  bool was_used = false;
  Deadline next_wakeup = kNever;
  Deadline next_limit_warning{};

  std::size_t available() const;  // processes that take sessions, busy or not
  // Fewer processes than planned, and one may be started now.
  bool wants_process(Deadline now) const;
  std::size_t free_slot() const;
  bool is_full() const;       // all planned processes run and are busy
  std::string where() const;  // "127.0.0.1:25" or the socket path, for the log
  Process* find(pid_t pid);
};

}  // namespace posthouse::master
