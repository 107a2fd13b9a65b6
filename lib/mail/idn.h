// Internationalized domain names (RFC 5890): the form that the DNS knows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthouse::mail {

// "bücher.example" -> "xn--bcher-kva.example" with the mappings of UTS 46; a name in ASCII is returned as it
// is. Nothing for bytes that are not UTF-8, characters that no domain name has, and names that would be too
// long. `idna2003`: the transitional mappings (enable_idna2003_compatibility).
std::optional<std::string> to_ascii_domain(std::string_view domain, bool idna2003 = false);

}  // namespace posthouse::mail
