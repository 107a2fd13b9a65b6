#include "lib/log/from_config.h"

#include "lib/config/core_parameters.h"

namespace posthouse::log {

Setup setup_from(const config::MainCf& main_cf, std::string program) {
  Setup setup;
  setup.program = std::move(program);
  setup.hostname = main_cf.value("myhostname");
  if (const auto logging = config::load<config::Logging>(main_cf)) {
    setup.syslog_name = (*logging)->syslog_name();
    setup.syslog_facility = (*logging)->syslog_facility();
    setup.maillog_file = (*logging)->maillog_file();
    setup.postlog_socket = main_cf.value("queue_directory") + "/public/" + (*logging)->postlog_service_name();
  }
  if (const auto messages = config::load<config::Messages>(main_cf))
    setup.keep_utf8 = (*messages)->smtputf8_enable();
  return setup;
}

}  // namespace posthouse::log
