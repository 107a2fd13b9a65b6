// cidr: address blocks in the order of the file, with !, if … endif.
#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/file_text.h"
#include "lib/table/file_value.h"
#include "lib/table/network.h"
#include "lib/table/source_lines.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

struct Rule {
  Network network;
  bool negated = false;
  bool is_if = false;
  std::size_t line = 0;
  std::size_t after = 0;  // is_if: the rule behind the endif
  std::string value;

  // A negated pattern matches addresses of its own family only.
  bool matches(const IpAddress& address) const {
    return address.is_v6 == network.address.is_v6 && network.contains(address) != negated;
  }
};

class CidrTable : public Table {
 public:
  CidrTable(std::string_view name, Flag flags, FileMark mark, std::vector<Rule> rules)
      : Table("cidr", std::string(name), flags), mark_(std::move(mark)), rules_(std::move(rules)) {}
  bool is_pattern() const override { return true; }
  bool is_changed() const override { return mark_.is_changed(); }
  std::optional<unsigned> owner() const override { return mark_.owner(); }

 protected:
  Lookup find(std::string_view key) override {
    const auto address = parse_ip(key);
    if (!address) return NotFound{};
    for (std::size_t i = 0; i < rules_.size();) {
      const bool matches = rules_[i].matches(*address);
      if (matches && !rules_[i].is_if) return rules_[i].value;
      i = rules_[i].is_if && !matches ? rules_[i].after : i + 1;
    }
    return NotFound{};
  }

 private:
  FileMark mark_;
  std::vector<Rule> rules_;
};

class RuleBuilder {
 public:
  RuleBuilder(std::string_view name, Flag flags) : name_(name), flags_(flags) {}

  void add(const SourceLine& line) {
    line_ = line.number;
    const auto text = trim_right(line.text);
    if (is_word(text, "if")) return add_if(text.substr(2));
    if (is_word(text, "endif")) return add_endif(text.substr(5));
    add_match(text);
  }
  std::vector<Rule> finish() {
    for (auto open = open_ifs_.rbegin(); open != open_ifs_.rend(); ++open) {
      line_ = rules_[*open].line;
      log::warning("cidr map {}, line {}: IF has no matching ENDIF", name_, line_);
      rules_[*open].after = rules_.size();
    }
    return std::move(rules_);
  }

 private:
  static bool is_word(std::string_view text, std::string_view word) {
    return starts_with_ignoring_case(text, word) &&
           (text.size() == word.size() || !is_alnum(text[word.size()]));
  }
  void skip(std::string_view why) const {
    log::warning("cidr map {}, line {}: {}: skipping this rule", name_, line_, why);
  }
  static std::string_view take_negation(std::string_view text, bool& negated) {
    text = trim_left(text);
    while (text.starts_with('!')) {
      negated = !negated;
      text = trim_left(text.substr(1));
    }
    return text;
  }
  bool parse_pattern(std::string_view text, Rule& rule) const {
    if (text.empty()) {
      skip("no address pattern");
      return false;
    }
    std::string problem;
    const auto network = parse_network(text, problem);
    if (!network) {
      skip(problem);
      return false;
    }
    rule.network = *network;
    rule.line = line_;
    return true;
  }
  void add_if(std::string_view text) {
    Rule rule;
    rule.is_if = true;
    if (!parse_pattern(take_negation(text, rule.negated), rule)) return;
    open_ifs_.push_back(rules_.size());
    rules_.push_back(std::move(rule));
  }
  void add_endif(std::string_view text) {
    if (!trim(text).empty()) return skip("garbage after ENDIF");
    if (open_ifs_.empty()) return skip("ENDIF without IF");
    rules_[open_ifs_.back()].after = rules_.size();
    open_ifs_.pop_back();
  }
  void add_match(std::string_view text) {
    Rule rule;
    text = take_negation(text, rule.negated);
    std::size_t end = 0;
    while (end < text.size() && !is_space(text[end])) ++end;
    if (!parse_pattern(text.substr(0, end), rule)) return;
    const auto value = trim(text.substr(end));
    if (value.empty()) return skip("no lookup result");
    rule.value = value;
    if (has(flags_, Flag::base64_file)) {
      auto encoded = encoded_files(value);
      if (!encoded) return skip(encoded.error().text);
      rule.value = std::move(*encoded);
    }
    rules_.push_back(std::move(rule));
  }

  std::string_view name_;
  Flag flags_;
  std::size_t line_ = 0;
  std::vector<Rule> rules_;
  std::vector<std::size_t> open_ifs_;
};

}  // namespace

Opened open_cidr(Tables&, std::string_view name, Flag flags) {
  auto file = read_rules(name, "cidr map");
  if (!file) return fail(std::move(file.error()));
  RuleBuilder builder(name, flags);
  SourceReader reader(file->text);
  for (SourceLine line; reader.next(line);) {
    if (const auto problem = leading_space_problem(line); !problem.empty())
      log::warning("{}: {}", name, problem);
    else
      builder.add(line);
  }
  return std::make_unique<CidrTable>(name, flags, file->mark, builder.finish());
}

}  // namespace posthouse::table
