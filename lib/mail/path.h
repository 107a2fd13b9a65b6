// Reverse-path and forward-path of MAIL and RCPT (RFC 5321 4.1.2), to the internal address form.
//
// Lenient rules take what old clients send: missing "<>", blanks inside, comments, a trailing comma.
// Strict ones (strict_rfc821_envelopes) do not. Source routes are dropped. Quotes are removed.
// The domain is not judged here; use is_valid_hostname or is_address_literal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthouse::mail {

struct PathRules {
  bool is_strict = false;
  bool may_be_empty = false;  // "<>": the null sender
};

// Nothing if the syntax is bad.
std::optional<std::string> parse_path(std::string_view text, PathRules rules);

}  // namespace posthouse::mail
