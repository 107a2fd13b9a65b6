// One daemon process at work: listeners, sessions, signals, and its end. Behind run().
#pragma once

#include <memory>
#include <vector>

#include "lib/service/arguments.h"
#include "lib/service/service.h"
#include "lib/service/sessions.h"

namespace posthouse::service {

class Process {
 public:
  Process(Plan plan, Arguments arguments, Environment environment, std::unique_ptr<Service> service,
          std::shared_ptr<const Parameters> parameters);

  // Body of the first fiber. Returns when the process may exit.
  void main();

  Sessions& sessions() { return sessions_; }
  bool is_draining() const { return ending_ != Ending::none; }
  void request_drain() { end(Ending::drain); }

 private:
  enum class Ending : unsigned char { none, drain, terminate };

  void end(Ending ending);
  void watch_signals();
  void watch_lifeline();
  void feed_watchdog();
  void listen(int fd);
  bool accept_burst(int fd);
  void begin_session(int fd);
  void receive_datagrams(int fd);
  void receive_triggers(int fd);
  void wait_while_useful();
  void reload_in_place();

  Plan plan_;
  Arguments arguments_;
  Environment environment_;
  std::unique_ptr<Service> service_;
  std::shared_ptr<const Parameters> parameters_;
  Sessions sessions_;
  Ending ending_ = Ending::none;
  runtime::Signal ending_changed_;
  std::vector<runtime::Fiber> listeners_;
  runtime::Fiber worker_;
};

// main.cf with -o overrides; all mistakes in one failure text, one a line.
Result<Environment> read_environment(const Arguments& arguments);

}  // namespace posthouse::service
