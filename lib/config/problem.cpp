#include "lib/config/problem.h"

#include <fmt/format.h>

namespace posthouse::config {

std::string Problem::text() const {
  std::string out = where.empty() ? "" : where + ": ";
  if (parameter.empty()) return out + expected;
  return out + fmt::format("{} = {}: expected {}", parameter, value, expected);
}

}  // namespace posthouse::config
