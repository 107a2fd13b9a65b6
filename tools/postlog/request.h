// The command line of postlog: what to log, how important it is, under which tag.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/log/line.h"

namespace posthouse::postlog {

struct Request {
  std::string config_directory;
  std::string tag;  // empty: syslog_name/postlog
  log::Severity severity = log::Severity::info;
  std::string text;  // empty: lines of standard input
};

// "info", "warn" (or "warning"), "error", "fatal", "panic".
std::optional<log::Severity> severity_named(std::string_view name);

// Throws std::invalid_argument with a text for the user.
Request parse_request(int argc, char** argv);

}  // namespace posthouse::postlog
