// The command line that master gives a daemon (docs/contracts.md).
#pragma once

#include <string>
#include <vector>

#include "lib/base/failure.h"

namespace posthouse::service {

struct Arguments {
  std::string process_name;            // basename of argv[0]
  std::string service_name;            // -n
  std::string service_type = "unix";   // -t
  bool drops_privileges = false;       // -u
  bool is_chrooted = false;            // -c
  bool is_stand_alone = false;         // -S
  bool is_trial = false;               // -T
  std::size_t listeners = 1;           // -s
  std::size_t session_limit = 0;       // -z, 0 = not given
  std::vector<std::string> overrides;  // -o, "name=value"
};

// Accepts "-o x=y" and "-ox=y", bundled flags as getopt does. The failure names the argument.
Result<Arguments> parse_arguments(const std::vector<std::string>& words);

}  // namespace posthouse::service
