// Parser of one regexp/pcre rule line into its parts. Pure code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/table/pattern_table.h"

namespace posthouse::table {

struct PatternText {
  std::string_view pattern;
  std::string options;
  bool negated = false;
};

struct RuleText {
  enum class Kind { match, begin_if, end_if, none } kind = Kind::none;
  std::vector<PatternText> patterns;
  std::string_view result;           // match: the replacement; begin_if: extra text
  std::vector<std::string> notices;  // warnings that do not stop the rule
  std::string problem;               // why there is no rule
};

RuleText parse_rule(std::string_view line, const PatternDialect& dialect);

}  // namespace posthouse::table
