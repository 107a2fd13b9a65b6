#include "lib/queuefile/envelope.h"

namespace posthouse::queuefile {

std::string_view Envelope::attribute(std::string_view name) const {
  for (const auto& [key, value] : attributes) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace posthouse::queuefile
