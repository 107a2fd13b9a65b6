// What regexp: and pcre: have in common: rule files with /pattern/flags result, !, if … endif.
//
// The engine compiles patterns; everything else (syntax, nesting, substitution, messages) is here. Rules that
// make no sense are skipped with a warning that names file and line, as operators know it; only an unreadable
// file fails the opening.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/table/file_text.h"
#include "lib/table/substitution.h"
#include "lib/table/tables.h"

namespace posthouse::table {

class Pattern {
 public:
  virtual ~Pattern() = default;
  enum class Match { yes, no, error };
  // Fills groups ($1 first) as far as there is room. An error was logged by the pattern's `problem`.
  virtual Match match(const std::string& subject, std::vector<std::string_view>& groups,
                      std::string& problem) const = 0;
  virtual unsigned group_count() const = 0;
};

// Engine and wording of one type.
struct PatternDialect {
  std::string_view type;          // "regexp", "pcre"
  std::string_view option_chars;  // toggles that exist
  std::string_view obsolete_options;
  std::string_view delimiter_advice;  // "skipping this rule"
  std::string_view range_word;        // "out-of-range"
  bool has_second_pattern = false;    // /a/!/b/ result
  // `problem` is the text after "MAP, line N: ".
  std::unique_ptr<Pattern> (*compile)(std::string_view pattern, std::string_view options, bool want_groups,
                                      std::string& problem) = nullptr;
};

Result<std::unique_ptr<Table>> open_pattern_table(const PatternDialect& dialect, std::string_view name,
                                                  Flag flags);

}  // namespace posthouse::table
