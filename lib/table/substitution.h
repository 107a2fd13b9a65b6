// The result text of a pattern rule: literal text with $1, ${1}, $(1), and $$.
//
// Parsed once; pure code.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::table {

class Substitution {
 public:
  struct Problem {
    std::string macro;   // "empty macro name: "$"" and such, without file and line
    std::string number;  // "non-numeric replacement index "x""
  };
  // False with `problem` filled if the text makes no sense. `range_word` is how "out of range" is spelt for
  // index 0.
  bool parse(std::string_view text, std::string_view range_word, Problem& problem);

  unsigned highest() const { return highest_; }  // largest $number, 0 if none
  bool is_literal() const { return highest_ == 0; }
  // groups[0] is $1; missing ones are empty.
  std::string apply(std::span<const std::string_view> groups) const;

 private:
  struct Piece {
    std::string literal;
    unsigned group = 0;  // 0: the literal
  };
  bool add_macro(std::string_view name, std::string_view range_word, Problem& problem);
  void add_literal(std::string_view text);

  std::vector<Piece> pieces_;
  unsigned highest_ = 0;
};

}  // namespace posthouse::table
