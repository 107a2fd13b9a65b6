#include "lib/log/log.h"

#include <unistd.h>

#include "lib/log/logger.h"

namespace posthouse::log {

void write(Severity severity, std::string_view text) {
  logger().write(severity, text);
}

void flush() {
  logger().flush();
}

void die(std::string_view text, int status) {
  logger().write(Severity::fatal, text);
  ::_exit(status);
}

}  // namespace posthouse::log
