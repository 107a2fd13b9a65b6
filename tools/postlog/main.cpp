// postlog: write a line, or the lines of standard input, to the mail log.
#include <syslog.h>
#include <unistd.h>

#include <iostream>
#include <stdexcept>

#include "lib/command/start.h"
#include "lib/log/from_config.h"
#include "lib/log/log.h"
#include "lib/log/logger.h"
#include "tools/postlog/request.h"

namespace posthouse::postlog {
namespace {

void open_log(const command::Started& started, const std::string& tag) {
  const log::Setup setup = log::setup_from(started.main_cf, "postlog");
  log::open(setup);
  const std::string ident = tag.empty() ? setup.syslog_name + "/postlog" : tag;
  const int facility = log::facility_number(setup.syslog_facility);
  log::logger().set_identity(ident, facility < 0 ? LOG_MAIL : facility);
  if (::isatty(STDERR_FILENO) != 0) log::logger().add_sink(log::terminal_sink(STDERR_FILENO, ident));
}

int main_of(int argc, char** argv) {
  command::open_standard_descriptors();
  Request request;
  try {
    request = parse_request(argc, argv);
  } catch (const std::invalid_argument& problem) {
    if (const auto started = command::start("postlog", {})) open_log(*started, {});
    log::die(problem.what());
  }
  const auto started = command::start("postlog", request.config_directory);
  if (!started) log::die(started.error().text);
  open_log(*started, request.tag);
  if (!request.text.empty()) {
    log::write(request.severity, request.text);
  } else {
    for (std::string line; std::getline(std::cin, line);) log::write(request.severity, line);
  }
  log::flush();
  if (request.severity >= log::Severity::fatal) ::sleep(1);  // slows down a script that fails in a loop
  return 0;
}

}  // namespace
}  // namespace posthouse::postlog

int main(int argc, char** argv) {
  return posthouse::postlog::main_of(argc, argv);
}
