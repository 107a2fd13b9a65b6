#include "lib/table/pattern_rules.h"

#include <fmt/format.h>

#include "lib/base/text.h"

namespace posthouse::table {
namespace {

// Takes "[!…]/pattern/options" from the front of `rest`.
bool take_pattern(std::string_view& rest, const PatternDialect& dialect, RuleText& rule) {
  PatternText out;
  rest = trim_left(rest);
  while (!rest.empty() && rest.front() == '!') {
    out.negated = !out.negated;
    rest = trim_left(rest.substr(1));
  }
  if (rest.empty()) {
    rule.problem = "no regexp: skipping this rule";
    return false;
  }
  const char delimiter = rest.front();
  rest.remove_prefix(1);
  std::size_t end = 0;
  while (end < rest.size() && rest[end] != delimiter) end += rest[end] == '\\' ? 2 : 1;
  if (end >= rest.size()) {
    rule.problem = fmt::format("no closing regexp delimiter \"{}\": {}", delimiter, dialect.delimiter_advice);
    return false;
  }
  out.pattern = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  while (!rest.empty() && !is_space(rest.front()) && !(dialect.has_second_pattern && rest.front() == '!')) {
    const char option = rest.front();
    rest.remove_prefix(1);
    if (dialect.option_chars.find(option) != std::string_view::npos) {
      out.options += option;
    } else if (dialect.obsolete_options.find(option) != std::string_view::npos) {
      rule.notices.push_back(fmt::format("ignoring obsolete regexp option \"{}\"", option));
    } else {
      rule.problem = fmt::format("unknown regexp option \"{}\": skipping this rule", option);
      return false;
    }
  }
  rule.patterns.push_back(std::move(out));
  return true;
}

bool starts_with_word(std::string_view line, std::string_view word) {
  return starts_with_ignoring_case(line, word) &&
         (line.size() == word.size() || !is_alnum(line[word.size()]));
}

void parse_match(std::string_view line, const PatternDialect& dialect, RuleText& rule) {
  rule.kind = RuleText::Kind::match;
  if (!take_pattern(line, dialect, rule)) return;
  if (dialect.has_second_pattern && line.starts_with('!') && !take_pattern(line, dialect, rule)) return;
  rule.result = trim(line);
  if (rule.result.empty()) rule.notices.emplace_back("no replacement text: using empty string");
}

}  // namespace

RuleText parse_rule(std::string_view line, const PatternDialect& dialect) {
  RuleText rule;
  if (!is_alnum(line.front())) {
    parse_match(line, dialect, rule);
  } else if (starts_with_word(line, "if")) {
    rule.kind = RuleText::Kind::begin_if;
    line.remove_prefix(2);
    if (!take_pattern(line, dialect, rule)) return rule;
    rule.result = trim(line);
    if (!rule.result.empty()) {
      rule.notices.push_back(fmt::format("ignoring extra text after IF statement: \"{}\"", rule.result));
      rule.notices.emplace_back("do not prepend whitespace to statements between IF and ENDIF");
    }
  } else if (starts_with_word(line, "endif")) {
    rule.kind = RuleText::Kind::end_if;
  } else {
    rule.problem = "ignoring unrecognized request";
  }
  return rule;
}

}  // namespace posthouse::table
