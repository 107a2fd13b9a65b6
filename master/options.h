// The command line of master: the options of Postfix's master, --ready-fd=N, --go-fd=N and --check.
#pragma once

#include <optional>
#include <string>

namespace posthouse::master {

struct Options {
  std::string config_directory;   // -c
  bool keep_terminal = false;     // -d
  bool keep_stdout = false;       // -s
  bool is_init = false;           // -i
  bool test_lock = false;         // -t
  bool wait_for_start = false;    // -w
  std::optional<int> exit_after;  // -e, seconds
  bool is_check = false;          // --check: say what is wrong with the configuration, start nothing
  int ready_fd = -1;
  int go_fd = -1;  // --go-fd: wait for a byte from there before anything runs; its end means not to start
};

// Throws std::invalid_argument with a text for the user.
Options parse_options(int argc, char** argv);

}  // namespace posthouse::master
