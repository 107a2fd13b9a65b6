#include "lib/base/failure.h"

#include <cstring>

namespace posthouse {

Failure Failure::deferred(std::string_view dsn, std::string text) {
  return {Verdict::defer, std::string(dsn), std::move(text)};
}

Failure Failure::bounced(std::string_view dsn, std::string text) {
  return {Verdict::bounce, std::string(dsn), std::move(text)};
}

Failure Failure::system(std::string_view what, int error_number) {
  return {Verdict::defer, "4.3.0", std::string(what) + ": " + error_text(error_number)};
}

std::string error_text(int error_number) {
  char buffer[256];
  return strerror_r(error_number, buffer, sizeof buffer);
}

}  // namespace posthouse
