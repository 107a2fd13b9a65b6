// xtext of RFC 3461 section 4: bytes outside 33..126, "+" and "=" are "+HH" with upper case digits.
//
// XCLIENT, XFORWARD and the policy protocol use it too. With keep_utf8 bytes above 127 pass unchanged
// (the "utf-8-unitext" habit of ORCPT).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthouse::mail {

std::string xtext_encode(std::string_view text, std::string_view special = "", bool keep_utf8 = false);

// Nothing if a "+" is not followed by two hexadecimal digits.
std::optional<std::string> xtext_decode(std::string_view text);

}  // namespace posthouse::mail
