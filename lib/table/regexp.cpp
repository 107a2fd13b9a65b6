// regexp: POSIX regular expressions of the C library.
#include <regex.h>

#include <array>

#include "lib/table/pattern_table.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

class PosixPattern : public Pattern {
 public:
  ~PosixPattern() override {
    if (compiled_) ::regfree(&regex_);
  }
  bool compile(const std::string& pattern, int flags, std::string& problem) {
    const int error = ::regcomp(&regex_, pattern.c_str(), flags);
    compiled_ = error == 0;
    if (compiled_) return true;
    std::array<char, 256> text{};
    ::regerror(error, &regex_, text.data(), text.size());
    problem = text.data();
    return false;
  }
  unsigned group_count() const override { return static_cast<unsigned>(regex_.re_nsub); }
  Match match(const std::string& subject, std::vector<std::string_view>& groups,
              std::string& problem) const override {
    std::vector<regmatch_t> found(regex_.re_nsub + 1);
    const int error = ::regexec(&regex_, subject.c_str(), found.size(), found.data(), 0);
    if (error == REG_NOMATCH) return Match::no;
    if (error != 0) {
      problem = "regular expression matching failed";
      return Match::error;
    }
    for (std::size_t i = 1; i < found.size(); ++i) groups.push_back(part(subject, found[i]));
    return Match::yes;
  }

 private:
  static std::string_view part(const std::string& subject, const regmatch_t& range) {
    if (range.rm_so < 0) return {};
    return std::string_view(subject).substr(static_cast<std::size_t>(range.rm_so),
                                            static_cast<std::size_t>(range.rm_eo - range.rm_so));
  }
  regex_t regex_{};
  bool compiled_ = false;
};

std::unique_ptr<Pattern> compile_posix(std::string_view pattern, std::string_view options, bool want_groups,
                                       std::string& problem) {
  int flags = REG_EXTENDED | REG_ICASE;
  for (char option : options) {
    if (option == 'i') flags ^= REG_ICASE;
    if (option == 'm') flags ^= REG_NEWLINE;
    if (option == 'x') flags ^= REG_EXTENDED;
  }
  if (!want_groups) flags |= REG_NOSUB;
  auto compiled = std::make_unique<PosixPattern>();
  if (!compiled->compile(std::string(pattern), flags, problem)) return nullptr;
  return compiled;
}

constexpr PatternDialect kRegexp{.type = "regexp",
                                 .option_chars = "imx",
                                 .obsolete_options = "",
                                 .delimiter_advice = "skipping this rule",
                                 .range_word = "out-of-range",
                                 .has_second_pattern = true,
                                 .compile = compile_posix};

}  // namespace

Opened open_regexp(Tables&, std::string_view name, Flag flags) {
  return open_pattern_table(kRegexp, name, flags);
}

}  // namespace posthouse::table
