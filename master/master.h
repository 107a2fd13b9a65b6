// The loop of master: waits for clients at services that want a process, for signals, status bytes and
// timers.
//
// It polls listening sockets that it never accepts from, so it uses poll(2) itself rather than fibers: a
// listener is watched only while a process is wanted for it.
#pragma once

#include <functional>
#include <memory>

#include "master/options.h"
#include "master/shutdown.h"
#include "master/supervisor.h"

namespace posthouse::master {

using Loader = std::function<std::expected<Configuration, std::vector<std::string>>()>;

class Master {
 public:
  // The working directory is the queue directory; SIGCHLD and friends are blocked by run().
  Master(Options options, Configuration configuration, Loader loader);
  ~Master();
  // Opens all listeners, says so through `on_ready`, supervises until told to end. Exit status.
  int run(const std::function<void()>& on_ready);

 private:
  void open_log();
  void publish_main_cf();
  void open_signals();
  void announce();
  void turn();
  void handle_signals();
  void reap();
  void reload();
  void end(Phase phase);
  void advance_shutdown(Deadline now);
  void write_ports() const;

  Options options_;
  Configuration configuration_;
  Loader loader_;
  Machine machine_;
  bool is_ready_ = false;  // until then problems are shown on the terminal too
  UniqueFd log_fd_;
  UniqueFd signals_;
  Shutdown shutdown_;
  Deadline exit_at_ = kNever;
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace posthouse::master
