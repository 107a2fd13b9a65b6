// The command line of postqueue: exactly one of -f, -i ID, -j, -p, -s SITE.
#pragma once

#include <optional>
#include <string>

namespace posthouse::postqueue {

enum class Action : unsigned char { flush, flush_message, json, list, flush_site };

struct Options {
  std::string config_directory;
  Action action = Action::list;
  std::string argument;  // of -i and -s
};

// Nothing: wrong usage (getopt has said why).
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace posthouse::postqueue
