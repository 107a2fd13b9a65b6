#include "tools/postqueue/options.h"

#include <unistd.h>

namespace posthouse::postqueue {

namespace {

std::optional<Action> action_of(int letter) {
  switch (letter) {
    case 'f':
      return Action::flush;
    case 'i':
      return Action::flush_message;
    case 'j':
      return Action::json;
    case 'p':
      return Action::list;
    case 's':
      return Action::flush_site;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  int actions = 0;
  optind = 1;
  for (int letter = 0; (letter = ::getopt(argc, argv, "c:fi:jps:v")) != -1;) {
    if (letter == 'c') {
      options.config_directory = optarg;
    } else if (const auto action = action_of(letter)) {
      options.action = *action;
      if (optarg != nullptr && (letter == 'i' || letter == 's')) options.argument = optarg;
      ++actions;
    } else if (letter != 'v') {
      return std::nullopt;
    }
  }
  if (actions != 1 || optind != argc) return std::nullopt;
  return options;
}

}  // namespace posthouse::postqueue
