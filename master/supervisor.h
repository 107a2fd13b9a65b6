// Starts, counts, wakes and buries the processes of all services. Does no waiting: Master's loop tells it
// what happened and when.
//
// Owns the services and the lifeline pipe. The log descriptor is lent to children.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "master/running_service.h"

namespace posthouse::master {

class Supervisor {
 public:
  explicit Supervisor(const Machine& machine, std::optional<Owner> owner);

  // Replaces the set of services: sockets of services that stay are kept, processes of the old set are told
  // to drain (SIGHUP), those that reload in place go on. All or nothing: a failure leaves everything as it
  // was.
  Result<void> configure(const Configuration& configuration);
  // The log descriptor that new processes get; borrowed.
  void lend_log(int fd) { log_fd_ = fd; }

  std::vector<RunningService>& services() { return services_; }

  // A client waits at the service: starts what is missing.
  void demand(RunningService& service, Deadline now);
  void read_status(RunningService& service, Process& process, Deadline now);
  void exited(pid_t pid, int wait_status, Deadline now);
  // Sends the wakeups that are due; returns when the next one is.
  Deadline wake_services(Deadline now);

  using Which = bool (*)(const RunningService&);
  // No new clients for these, from now on; no wakeups either.
  void close_listeners(Which which);
  // They are told to end and do not count as available any more.
  void signal_some(int signal_number, Which which);
  void signal_all(int signal_number);
  std::size_t process_count() const;
  std::size_t process_count(Which which) const;

 private:
  struct Leaving {  // processes of services that are gone from master.cf
    pid_t pid;
    std::string path;
  };
  Result<std::vector<RunningService>> build(const Configuration& configuration);
  void hand_over(std::vector<RunningService>& next);
  void hand_over_processes(RunningService& old_service, RunningService* successor);
  void drop_socket_names(const std::vector<RunningService>& next) const;
  bool start_process(RunningService& service, Deadline now);
  void wake(RunningService& service);
  void bury_leaving(pid_t pid, int wait_status);

  Machine machine_;
  std::optional<Owner> owner_;
  Settings settings_;
  UniqueFd lifeline_read_, lifeline_write_;
  int log_fd_ = -1;
  std::vector<RunningService> services_;
  std::vector<Leaving> leaving_;
};

}  // namespace posthouse::master
