// Tokens of structured header values (RFC 5322 3.2; RFC 2045 5.1 for MIME parameters).
//
// A lone quote, bracket or parenthesis runs to the end of the text. Comments nest to a bounded depth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthouse::mail {

struct Token {
  enum class Kind : unsigned char { atom, quoted, literal, comment, special };
  Kind kind;
  char special = 0;  // for Kind::special
  bool after_space = false;
  std::string text;  // quoted: without quotes, escapes removed; literal with "[]"; comment with "()"

  bool is(char c) const { return kind == Kind::special && special == c; }
  bool is_word() const { return kind == Kind::atom || kind == Kind::quoted; }
};

inline constexpr std::string_view kRfc822Specials = "()<>@,;:\\\".[]";
inline constexpr std::string_view kMimeSpecials = "()<>@,;:\\\"/[]?=";

std::vector<Token> tokenise(std::string_view text, std::string_view specials = kRfc822Specials);

}  // namespace posthouse::mail
