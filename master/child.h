// Starts one daemon process with the descriptors of docs/contracts.md: 3 lifeline, 4 log, 5 status, 6…
// listeners.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lib/base/failure.h"

namespace posthouse::master {

struct ChildSetup {
  std::string path;
  std::vector<std::string> argv;
  int lifeline = -1;
  int log = -1;
  int status = -1;  // write end
  std::vector<int> listeners;
};

// A program that cannot be executed ends with status 1 after a fatal log line; the failure is about fork
// only.
Result<pid_t> start_child(const ChildSetup& setup);

}  // namespace posthouse::master
