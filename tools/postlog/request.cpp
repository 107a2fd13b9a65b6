#include "tools/postlog/request.h"

#include <unistd.h>

#include <stdexcept>

#include "lib/base/text.h"

namespace posthouse::postlog {

std::optional<log::Severity> severity_named(std::string_view name) {
  using log::Severity;
  const std::string word = lower(name);
  if (word == "info") return Severity::info;
  if (word == "warn" || word == "warning") return Severity::warning;
  if (word == "error") return Severity::error;
  if (word == "fatal") return Severity::fatal;
  if (word == "panic") return Severity::panic;
  return std::nullopt;
}

Request parse_request(int argc, char** argv) {
  Request request;
  optind = 1;
  for (int letter = 0; (letter = ::getopt(argc, argv, "+c:ip:t:v")) != -1;) {
    if (letter == 'c') {
      request.config_directory = optarg;
    } else if (letter == 't') {
      request.tag = optarg;
    } else if (letter == 'p') {
      const auto severity = severity_named(optarg);
      if (!severity) throw std::invalid_argument(std::string("unrecognized severity: ") + optarg);
      request.severity = *severity;
    } else if (letter != 'i' && letter != 'v') {
      throw std::invalid_argument("usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]");
    }
  }
  for (int i = optind; i < argc; ++i) {
    if (i > optind) request.text += ' ';
    request.text += argv[i];
  }
  return request;
}

}  // namespace posthouse::postlog
