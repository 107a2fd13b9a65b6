#include "lib/config/layout.h"

namespace posthouse::config::layout {

std::string command_directory() {
  return POSTHOUSE_COMMAND_DIR;
}
std::string daemon_directory() {
  return POSTHOUSE_DAEMON_DIR;
}
std::string config_directory() {
  return POSTHOUSE_CONFIG_DIR;
}
std::string queue_directory() {
  return POSTHOUSE_QUEUE_DIR;
}
std::string data_directory() {
  return POSTHOUSE_DATA_DIR;
}
std::string version() {
  return POSTHOUSE_VERSION;
}

}  // namespace posthouse::config::layout
