#include "lib/table/pcre/pcre.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "lib/table/pattern_table.h"

namespace posthouse::table {
namespace {

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::string message(int error) {
  std::array<unsigned char, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return {text.begin(), std::ranges::find(text, '\0')};
}

class PerlPattern : public Pattern {
 public:
  bool compile(std::string_view pattern, std::uint32_t options, std::string& problem) {
    int error = 0;
    std::size_t offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error,
                              &offset, nullptr));
    if (!code_) {
      problem = fmt::format("error in regex at offset {}: {}", offset, message(error));
      return false;
    }
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without it matching is slower, not wrong
    pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &groups_);
    match_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    context_.reset(pcre2_match_context_create(nullptr));
    if (!match_ || !context_) {
      problem = "out of memory";
      return false;
    }
    return true;
  }
  unsigned group_count() const override { return groups_; }
  Match match(const std::string& subject, std::vector<std::string_view>& groups,
              std::string& problem) const override {
    const int count = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(),
                                  0, 0, match_.get(), context_.get());
    if (count == PCRE2_ERROR_NOMATCH) return Match::no;
    if (count < 0) {
      problem = fmt::format("matching failed: {}", message(count));
      return Match::error;
    }
    const std::size_t* ends = pcre2_get_ovector_pointer(match_.get());
    for (std::size_t i = 1; i <= groups_; ++i) {
      const std::size_t from = ends[2 * i];
      const bool is_set = i < static_cast<std::size_t>(count) && from != PCRE2_UNSET;
      groups.push_back(is_set ? std::string_view(subject).substr(from, ends[2 * i + 1] - from)
                              : std::string_view());
    }
    return Match::yes;
  }

 private:
  std::unique_ptr<pcre2_code, FreeCode> code_;
  std::unique_ptr<pcre2_match_data, FreeMatch> match_;
  std::unique_ptr<pcre2_match_context, FreeContext> context_;
  std::uint32_t groups_ = 0;
};

std::uint32_t option_bit(char option) {
  switch (option) {
    case 'i':
      return PCRE2_CASELESS;
    case 'm':
      return PCRE2_MULTILINE;
    case 's':
      return PCRE2_DOTALL;
    case 'x':
      return PCRE2_EXTENDED;
    case 'A':
      return PCRE2_ANCHORED;
    case 'E':
      return PCRE2_DOLLAR_ENDONLY;
    case 'U':
      return PCRE2_UNGREEDY;
    default:
      return 0;
  }
}

std::unique_ptr<Pattern> compile_perl(std::string_view pattern, std::string_view options, bool,
                                      std::string& problem) {
  std::uint32_t bits = PCRE2_CASELESS | PCRE2_DOTALL;
  for (char option : options) bits ^= option_bit(option);
  auto compiled = std::make_unique<PerlPattern>();
  if (!compiled->compile(pattern, bits, problem)) return nullptr;
  return compiled;
}

constexpr PatternDialect kPcre{.type = "pcre",
                               .option_chars = "imsxAEU",
                               .obsolete_options = "X",
                               .delimiter_advice = "ignoring this rule",
                               .range_word = "out of range",
                               .has_second_pattern = false,
                               .compile = compile_perl};

}  // namespace

Result<std::unique_ptr<Table>> open_pcre(Tables&, std::string_view name, Flag flags) {
  return open_pattern_table(kPcre, name, flags);
}

}  // namespace posthouse::table
