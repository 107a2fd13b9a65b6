// Asks the programs of master.cf whether they could start with their settings, before anything is started or
// given up for them: `PROGRAM … -T` reads its settings and opens its tables as it does at a start, and ends.
#pragma once

#include <string>
#include <vector>

#include "master/service_plan.h"

namespace posthouse::master {

struct Findings {
  std::vector<std::string> errors;  // a service could not start
  std::vector<std::string> faults;  // it could, but part of its mail would wait: a table that cannot be read
  std::vector<std::string> warnings;  // worth a look
};

// Blocks until all have answered, at most kTrialTime. A program is tried once per distinct arguments, those
// that go by the name of their service once per name, too; at most as many at a time as there are cores.
// Programs outside daemon_directory are not ours to try.
Findings try_programs(const Configuration& configuration, const Machine& machine);

inline constexpr std::chrono::seconds kTrialTime{60};

}  // namespace posthouse::master
