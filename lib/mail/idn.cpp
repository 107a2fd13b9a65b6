#include "lib/mail/idn.h"

#include <idn2.h>

#include <memory>

#include "lib/base/text.h"

namespace posthouse::mail {

std::optional<std::string> to_ascii_domain(std::string_view domain, bool idna2003) {
  if (is_ascii(domain)) return std::string(domain);
  if (domain.find('\0') != std::string_view::npos) return std::nullopt;
  char* found = nullptr;
  const int flags = idna2003 ? IDN2_TRANSITIONAL : IDN2_NONTRANSITIONAL;
  if (::idn2_to_ascii_8z(std::string(domain).c_str(), &found, flags) != IDN2_OK) return std::nullopt;
  const std::unique_ptr<char, decltype(&::idn2_free)> owner(found, &::idn2_free);
  return std::string(found);
}

}  // namespace posthouse::mail
