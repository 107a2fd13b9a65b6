// How many processes a service gets and with which arguments: pure, decided from master.cf and main.cf.
//
// A process serves many sessions, so the process limit of master.cf bounds the sessions over all processes
// (docs/contracts.md). Programs that serve many clients per process in Postfix too (qmgr, verify, proxymap …)
// are not bounded by it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "master/settings.h"

namespace posthouse::master {

// Fewer sessions are served by fewer processes: each process knows only how many of its own are left, and
// when the last one is used the service is under stress.
inline constexpr std::size_t kSessionsWorthAProcess = 10;

enum class Kind : unsigned char {
  many,    // up to one process per core, sharing the listening socket
  one,     // one process; after a reload its successor may run beside it
  single,  // never two at a time
};

struct Program {
  Kind kind = Kind::one;
  bool reloads_in_place = false;
  bool limit_bounds_sessions = true;
  bool goes_by_name = false;  // what it opens depends on what the service is called
};
Program program_called(std::string_view name);

struct ServicePlan {
  config::MasterEntry entry;
  Program program;
  std::size_t processes = 1;
  std::size_t sessions = 0;            // over all processes
  std::string path;                    // of the program
  std::vector<std::string> arguments;  // argv without -s and -z

  std::string key() const;  // "NAME/TYPE"
  // The sessions of process number `slot`: shares differ by one at most and are at least one.
  std::size_t share(std::size_t slot) const;
  std::vector<std::string> argv(std::size_t slot, std::size_t listeners) const;
};

struct Machine {
  std::size_t cores = 1;
  bool is_rootless = false;  // no change of user, no chroot

  static Machine system();
};

ServicePlan plan_service(const config::MasterEntry& entry, const Settings& settings, const Machine& machine);

}  // namespace posthouse::master
