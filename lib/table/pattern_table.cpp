#include "lib/table/pattern_table.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/file_value.h"
#include "lib/table/pattern_rules.h"
#include "lib/table/source_lines.h"

namespace posthouse::table {
namespace {

struct Rule {
  RuleText::Kind kind = RuleText::Kind::match;
  std::unique_ptr<Pattern> first, second;
  bool first_negated = false, second_negated = false;
  Substitution result;
  std::size_t line = 0;
  std::size_t after = 0;  // begin_if: index of the rule behind its endif
};

class PatternTable : public Table {
 public:
  PatternTable(std::string_view type, std::string_view name, Flag flags, FileMark mark,
               std::vector<Rule> rules)
      : Table(std::string(type), std::string(name), flags),
        mark_(std::move(mark)),
        rules_(std::move(rules)) {}
  bool is_pattern() const override { return true; }
  bool is_changed() const override { return mark_.is_changed(); }
  std::optional<unsigned> owner() const override { return mark_.owner(); }

 protected:
  Lookup find(std::string_view key) override {
    const std::string subject(key);
    std::vector<std::string_view> groups;
    for (std::size_t i = 0; i < rules_.size();) {
      const Rule& rule = rules_[i];
      bool matches = false;
      if (!evaluate(rule, subject, groups, matches)) return Failure::deferred("4.3.0", "pattern match error");
      if (rule.kind == RuleText::Kind::begin_if) {
        i = matches ? i + 1 : rule.after;
      } else if (matches) {
        return rule.result.apply(groups);
      } else {
        ++i;
      }
    }
    return NotFound{};
  }

 private:
  bool evaluate(const Rule& rule, const std::string& subject, std::vector<std::string_view>& groups,
                bool& matches) const {
    groups.clear();
    if (!one(*rule.first, rule, subject, groups, matches)) return false;
    matches = matches != rule.first_negated;
    if (!matches || !rule.second) return true;
    std::vector<std::string_view> unused;
    if (!one(*rule.second, rule, subject, unused, matches)) return false;
    matches = matches != rule.second_negated;
    return true;
  }
  bool one(const Pattern& pattern, const Rule& rule, const std::string& subject,
           std::vector<std::string_view>& groups, bool& matches) const {
    std::string problem;
    const auto answer = pattern.match(subject, groups, problem);
    if (answer == Pattern::Match::error)
      log::warning("{} map {}, line {}: {}", type(), name(), rule.line, problem);
    matches = answer == Pattern::Match::yes;
    return answer != Pattern::Match::error;
  }

  FileMark mark_;
  std::vector<Rule> rules_;
};

class RuleBuilder {
 public:
  RuleBuilder(const PatternDialect& dialect, std::string_view name, Flag flags)
      : dialect_(dialect), name_(name), flags_(flags) {}

  void add(const SourceLine& line) {
    line_ = line.number;
    RuleText text = parse_rule(trim_right(line.text), dialect_);
    if (!text.problem.empty()) return report(text);
    report(text);
    switch (text.kind) {
      case RuleText::Kind::match:
        return add_match(text);
      case RuleText::Kind::begin_if:
        return add_if(text);
      case RuleText::Kind::end_if:
        return add_endif();
      case RuleText::Kind::none:
        return;
    }
  }
  // Rules of an `if` without `endif` reach to the end of the file.
  std::vector<Rule> finish() {
    for (auto open = open_ifs_.rbegin(); open != open_ifs_.rend(); ++open) {
      line_ = rules_[*open].line;
      warn("IF has no matching ENDIF");
      rules_[*open].after = rules_.size();
    }
    return std::move(rules_);
  }

 private:
  void warn(std::string_view what) const {
    log::warning("{} map {}, line {}: {}", dialect_.type, name_, line_, what);
  }
  void report(const RuleText& text) const {
    for (const std::string& notice : text.notices) warn(notice);
    if (!text.problem.empty()) warn(text.problem);
  }
  std::unique_ptr<Pattern> compile(const PatternText& text, bool want_groups) const {
    std::string problem;
    auto pattern = dialect_.compile(text.pattern, text.options, want_groups, problem);
    if (!pattern) warn(problem);
    return pattern;
  }
  void add_if(const RuleText& text) {
    Rule rule;
    rule.kind = RuleText::Kind::begin_if;
    rule.line = line_;
    rule.first_negated = text.patterns[0].negated;
    rule.first = compile(text.patterns[0], false);
    if (!rule.first) return;
    open_ifs_.push_back(rules_.size());
    rules_.push_back(std::move(rule));
  }
  void add_endif() {
    if (open_ifs_.empty()) return warn("ignoring ENDIF without matching IF");
    rules_[open_ifs_.back()].after = rules_.size();
    open_ifs_.pop_back();
  }
  bool parse_result(std::string_view text, Substitution& result) const {
    Substitution::Problem problem;
    if (result.parse(text, dialect_.range_word, problem)) return true;
    if (!problem.macro.empty()) log::warning("{}", problem.macro);
    if (!problem.number.empty()) warn(problem.number);
    warn("bad replacement syntax: skipping this rule");
    return false;
  }
  void add_match(const RuleText& text) {
    Rule rule;
    rule.line = line_;
    std::string result(text.result);
    if (has(flags_, Flag::base64_file)) {
      auto encoded = encoded_files(result);
      if (!encoded) return warn(encoded.error().text + ": skipping this rule");
      result = std::move(*encoded);
    }
    if (!parse_result(result, rule.result)) return;
    const auto& first = text.patterns[0];
    if (!rule.result.is_literal() && has(flags_, Flag::no_substitution))
      return warn("regular expression substitution is not allowed: skipping this rule");
    if (!rule.result.is_literal() && first.negated)
      return warn("$number found in negative match replacement text: skipping this rule");
    rule.first_negated = first.negated;
    rule.first = compile(first, !rule.result.is_literal());
    if (!rule.first) return;
    if (rule.result.highest() > rule.first->group_count())
      return warn(
          fmt::format("out of range replacement index \"{}\": skipping this rule", rule.result.highest()));
    if (text.patterns.size() > 1) {
      rule.second_negated = text.patterns[1].negated;
      rule.second = compile(text.patterns[1], false);
      if (!rule.second) return;
    }
    rules_.push_back(std::move(rule));
  }

  const PatternDialect& dialect_;
  std::string_view name_;
  Flag flags_;
  std::size_t line_ = 0;
  std::vector<Rule> rules_;
  std::vector<std::size_t> open_ifs_;
};

}  // namespace

Result<std::unique_ptr<Table>> open_pattern_table(const PatternDialect& dialect, std::string_view name,
                                                  Flag flags) {
  auto file = read_rules(name, fmt::format("{} map", dialect.type));
  if (!file) return fail(std::move(file.error()));
  RuleBuilder builder(dialect, name, flags);
  SourceReader reader(file->text);
  for (SourceLine line; reader.next(line);) {
    if (const auto problem = leading_space_problem(line); !problem.empty())
      log::warning("{}: {}", name, problem);
    else
      builder.add(line);
  }
  return std::make_unique<PatternTable>(dialect.type, name, flags, file->mark, builder.finish());
}

}  // namespace posthouse::table
