// The skeleton of every daemon: main(), arguments, configuration, privileges, chroot, listeners, status to
// master, drain and reload. A daemon writes a Service and a Plan, and its main.cpp is
//
//   int main(int argc, char** argv) {
//     return posthouse::service::run(argc, argv, posthouse::smtpd::kPlan,
//                                    [] { return std::make_unique<posthouse::smtpd::Smtpd>(); });
//   }
//
// Order: read main.cf (+ -o overrides) -> prepare() with the start privileges, working directory = queue
// directory -> chroot and drop privileges -> start() as the first fiber -> serve() in a fiber per connection.
// Start-up errors are a thrown StartError or a failed Result: each line of the text is logged as `fatal:`,
// exit status 1. With -T the process ends after prepare(), and everything it has to say goes to standard
// error: so master asks whether a configuration can be used.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/runtime/stream.h"
#include "lib/service/parameters.h"

namespace posthouse::config {
class MainCf;
}

namespace posthouse::service {

class StartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Plan {
  std::string_view program;  // name in logs unless argv[0]'s basename differs (lmtp = smtp by another name)
  bool keeps_root = false;   // stays root when started as root (local, virtual, master-like); else mail_owner
  bool reloads_in_place = false;  // SIGHUP calls reload() instead of draining (qmgr)
  bool may_stand_alone = false;   // accepts -S: serves standard input/output once (smtpd, lmtp)
  bool is_single = false;         // one process whatever maxproc says (qmgr, verify, anvil, postlogd, flush)
  config::Seconds Parameters::*watchdog = &Parameters::daemon_timeout;  // how long its loop may hang
};

// What the daemon is told about its place.
struct Environment {
  std::string service_name;  // master.cf column 1: "smtp", "127.0.0.1:25", "verify"
  std::string service_type;  // inet unix unix-dgram fifo pass
  std::string process_name;  // "smtpd"
  std::string config_directory;
  std::string queue_directory;  // also the working directory (or the root when chrooted)
  bool is_chrooted = false;
  bool is_rootless = false;       // the suite runs as an ordinary user
  bool is_stand_alone = false;    // -S
  std::size_t session_limit = 0;  // sessions this process may serve at once
  bool is_trial = false;          // -T: prepare() must leave all files as they are; nothing follows it
  std::shared_ptr<const config::MainCf> main_cf;  // with master.cf -o overrides applied
};

class Service {
 public:
  virtual ~Service() = default;
  // Before chroot and privilege drop: load parameters, open tables. No fibers yet; may block.
  virtual Result<void> prepare(const Environment& environment) = 0;
  // First fiber, after the privilege drop. Start background fibers here. May wait.
  virtual void start() {}
  // One connection, in a fiber of its own; the session ends when it returns. May wait.
  virtual void serve(runtime::Stream stream);
  // unix-dgram services: one datagram (at most 64 KB).
  virtual void receive(std::string_view datagram);
  // Only with Plan::reloads_in_place: the new configuration. A failure keeps the old one (and is logged).
  virtual Result<void> reload(const Environment& environment);
  // Asked to end (reload, stop, idle, max_use): no new sessions come; return when work in flight may be
  // abandoned. The skeleton waits for sessions to end first. May wait.
  virtual void drain() {}
  // Sessions do not count towards idleness if this is true (work goes on behind: qmgr).
  virtual bool is_busy() const { return false; }
};

using Factory = std::function<std::unique_ptr<Service>()>;
int run(int argc, char** argv, const Plan& plan, const Factory& factory);

// For services: sessions in use / limit of this process (for `stress`).
std::size_t sessions_in_use();
std::size_t session_limit();
// True once the process was asked to end: finish the current message, then close with 421 or keep-alive end.
bool is_draining();
// Ends the process after current sessions (a table changed: "restarting").
void request_drain();

}  // namespace posthouse::service
