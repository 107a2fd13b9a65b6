// One logical line of an aliases file: `name: value, value, …`, as RFC 822 tokens.
//
// The key is in internal form (unquoted, not folded); the value in external form with normalised spacing.
// `problem` says why there is no entry, in the reference's words. Pure code.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::table {

struct AliasLine {
  std::string key;
  std::string value;
  std::string problem;
};

AliasLine parse_alias_line(std::string_view line, bool utf8);

}  // namespace posthouse::table
