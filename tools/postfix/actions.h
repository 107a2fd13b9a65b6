// What the postfix command can do: one function per word of the command line. Each returns the exit status.
#pragma once

#include <string>
#include <vector>

#include "tools/postfix/instance.h"

namespace posthouse::postfix_command {

struct Options {
  std::string config_directory;
  std::vector<std::string> words;
};

// Throws std::invalid_argument for a bad option.
Options parse_options(int argc, char** argv);

int perform(const Instance& instance, const Options& options);

int rotate_log(const Instance& instance);

}  // namespace posthouse::postfix_command
