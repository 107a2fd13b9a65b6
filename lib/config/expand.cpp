#include "lib/config/expand.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/config/param_set.h"

namespace posthouse::config {

namespace {

constexpr int kStepLimit = 100'000;

using Trouble = std::unexpected<std::string>;

bool is_name_char(char c) {
  return is_alnum(c) || c == '_';
}

std::string_view skip_blanks(std::string_view text) {
  return trim_left(text);
}

// The length of a group that starts with text[0] == open, closing character included; 0 if it never ends.
std::size_t group_length(std::string_view text, char open, char close) {
  int level = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == open) ++level;
    if (text[i] == close && --level == 0) return i + 1;
  }
  return 0;
}

std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_name_char(text[length])) ++length;
  return length;
}

// Takes "{...}" from the front of `rest` and returns the inside.
std::optional<std::string_view> take_group(std::string_view& rest) {
  if (rest.empty() || rest.front() != '{') return std::nullopt;
  std::size_t length = group_length(rest, '{', '}');
  if (length == 0) return std::nullopt;
  std::string_view inside = rest.substr(1, length - 2);
  rest.remove_prefix(length);
  return inside;
}

struct Comparison {
  std::string_view left, right, op;
  bool by_level = false;
};

// ${head?yes:no}: the head is a name or a comparison; absent branches are nothing.
struct Macro {
  std::string_view name;
  std::optional<Comparison> comparison;
  std::optional<std::string_view> yes, no;
};

std::string at(std::string_view whole, std::string_view rest) {
  std::size_t done = whole.size() - rest.size();
  std::size_t from = done > 20 ? done - 20 : 0;
  return fmt::format("\"...{}>>>{}\"", whole.substr(from, done - from), rest.substr(0, 20));
}

std::expected<Comparison, std::string> take_comparison(std::string_view whole, std::string_view& rest) {
  static constexpr std::array<std::string_view, 6> kOperators{"==", "!=", "<=", ">=", "<", ">"};
  Comparison result;
  auto left = take_group(rest);
  if (!left) return Trouble(fmt::format("\"{{expression}}\" expected at: {}", at(whole, rest)));
  result.left = *left;
  rest = skip_blanks(rest);
  for (std::string_view op : kOperators) {
    if (result.op.empty() && rest.starts_with(op)) result.op = op;
  }
  if (result.op.empty()) {
    return Trouble(fmt::format("\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected at: {}",
                               at(whole, rest)));
  }
  rest.remove_prefix(result.op.size());
  if (rest.starts_with("level")) {
    result.by_level = true;
    rest.remove_prefix(5);
  }
  rest = skip_blanks(rest);
  auto right = take_group(rest);
  if (!right) return Trouble(fmt::format("\"{{expression}}\" expected at: {}", at(whole, rest)));
  result.right = *right;
  return result;
}

// The text after '?' or ':'. A braced first branch may be followed by ':' and the other one.
std::expected<void, std::string> take_branches(std::string_view whole, std::string_view rest, Macro& macro) {
  bool negated = rest.front() == ':';
  auto& branch = negated ? macro.no : macro.yes;
  rest = skip_blanks(rest.substr(1));
  branch = take_group(rest);
  if (!branch) {
    branch = rest;
    return {};
  }
  rest = skip_blanks(rest);
  if (rest.empty()) return {};
  if (negated) return Trouble("unexpected input at: " + at(whole, rest));
  if (rest.front() != ':') return Trouble("\":\" expected at: " + at(whole, rest));
  rest = skip_blanks(rest.substr(1));
  macro.no = take_group(rest);
  if (!macro.no) {
    macro.no = rest;
  } else if (!skip_blanks(rest).empty()) {
    return Trouble("unexpected input at: " + at(whole, rest));
  }
  return {};
}

std::expected<Macro, std::string> parse_braced(std::string_view body) {
  Macro macro;
  std::string_view rest = skip_blanks(body);
  if (rest.empty()) return Trouble("empty macro name: \"${}\"");
  if (rest.front() == '{') {
    auto comparison = take_comparison(body, rest);
    if (!comparison) return Trouble(comparison.error());
    macro.comparison = *comparison;
  } else {
    macro.name = rest.substr(0, name_length(rest));
    if (macro.name.empty()) return Trouble("attribute name syntax error at: " + at(body, rest));
    rest.remove_prefix(macro.name.size());
  }
  rest = skip_blanks(rest);
  if (rest.empty()) return macro;
  if (rest.front() != '?' && rest.front() != ':') {
    return Trouble((macro.comparison ? "\"?\" expected at: " : "attribute name syntax error at: ") +
                   at(body, rest));
  }
  if (auto ok = take_branches(body, rest, macro); !ok) return Trouble(ok.error());
  return macro;
}

// Takes one macro, whose '$' was consumed, from the front of `rest`.
std::expected<Macro, std::string> take_macro(std::string_view whole, std::string_view& rest) {
  if (!rest.empty() && (rest.front() == '{' || rest.front() == '(')) {
    std::size_t length = group_length(rest, rest.front(), rest.front() == '{' ? '}' : ')');
    if (length == 0) return Trouble(fmt::format("truncated macro reference: \"{}\"", whole));
    std::string_view body = rest.substr(1, length - 2);
    rest.remove_prefix(length);
    return parse_braced(body);
  }
  Macro macro;
  macro.name = rest.substr(0, name_length(rest));
  if (macro.name.empty()) return Trouble(fmt::format("empty macro name: \"{}\"", whole));
  rest.remove_prefix(macro.name.size());
  return macro;
}

class Expander {
 public:
  Expander(const NameLookup& lookup, Undefined undefined) : lookup_(lookup), undefined_(undefined) {}

  std::expected<std::string, std::string> expand(std::string_view text, int depth) {
    std::string out;
    std::string_view rest = text;
    while (!rest.empty()) {
      std::size_t dollar = rest.find('$');
      out.append(rest.substr(0, dollar));
      if (dollar == std::string_view::npos) break;
      rest.remove_prefix(dollar + 1);
      if (rest.starts_with('$')) {
        out += '$';
        rest.remove_prefix(1);
        continue;
      }
      auto macro = take_macro(text, rest);
      if (!macro) return Trouble(macro.error());
      auto piece = value_of(*macro, depth);
      if (!piece) return piece;
      out += *piece;
      if (out.size() > MainCf::kExpansionLimit) return Trouble("a shorter value: the expansion is too long");
    }
    return out;
  }

 private:
  std::expected<std::string, std::string> value_of(const Macro& macro, int depth) {
    if (depth > MainCf::kDepthLimit || ++steps_ > kStepLimit) {
      return Trouble(fmt::format("unreasonable macro call nesting: \"{}\"", macro.name));
    }
    std::string text;
    if (macro.comparison) {
      auto holds = compare(*macro.comparison, depth);
      if (!holds) return Trouble(holds.error());
      text = *holds ? "true" : "";
    } else {
      auto value = lookup_(macro.name);
      const bool is_needed = !macro.yes && !macro.no;
      if (!value && is_needed && undefined_ == Undefined::mistake)
        return Trouble(fmt::format("undefined name: \"{}\"", macro.name));
      text = std::move(value).value_or("");
    }
    if (!macro.yes && !macro.no) return macro.comparison ? text : expand(text, depth + 1);
    const auto& branch = text.empty() ? macro.no : macro.yes;
    return branch ? expand(*branch, depth + 1) : std::string();
  }

  std::expected<bool, std::string> compare(const Comparison& comparison, int depth) {
    auto left = expand(comparison.left, depth + 1);
    if (!left) return Trouble(left.error());
    auto right = expand(comparison.right, depth + 1);
    if (!right) return Trouble(right.error());
    auto order = comparison.by_level ? order_by_level(*left, *right) : order_by_text(*left, *right);
    if (!order) return Trouble(order.error());
    if (comparison.op == "==") return *order == 0;
    if (comparison.op == "!=") return *order != 0;
    if (comparison.op == "<=") return *order <= 0;
    if (comparison.op == ">=") return *order >= 0;
    return comparison.op == "<" ? *order < 0 : *order > 0;
  }

  // Numbers if both are, else text.
  static std::expected<int, std::string> order_by_text(const std::string& left, const std::string& right) {
    auto a = parse_int<std::uint64_t>(left);
    auto b = parse_int<std::uint64_t>(right);
    if (a && b) return *a < *b ? -1 : *a > *b ? 1 : 0;
    return left.compare(right);
  }

  static std::expected<int, std::string> order_by_level(const std::string& left, const std::string& right) {
    for (const std::string& text : {left, right}) {
      if (!CompatibilityLevel::parse(text)) {
        return Trouble(fmt::format("malformed compatibility level syntax: \"{}\"", text));
      }
    }
    auto order = *CompatibilityLevel::parse(left) <=> *CompatibilityLevel::parse(right);
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }

  const NameLookup& lookup_;
  Undefined undefined_;
  int steps_ = 0;
};

}  // namespace

std::expected<std::string, std::string> expand_macros(std::string_view text, const NameLookup& lookup,
                                                      Undefined undefined) {
  return Expander(lookup, undefined).expand(text, 0);
}

std::string literal_value(std::string_view value, std::string_view allowed) {
  std::string out;
  for (const char c : value) {
    const bool is_allowed = allowed.empty() || allowed.find(c) != std::string_view::npos;
    if (!is_allowed) out += '_';
    if (is_allowed) out.append(c == '$' ? 2 : 1, c);
  }
  return out;
}

namespace {

void visit_names(std::string_view text, const std::function<void(std::string_view)>& use, int depth) {
  std::string_view rest = text;
  while (depth < MainCf::kDepthLimit) {
    std::size_t dollar = rest.find('$');
    if (dollar == std::string_view::npos) return;
    rest.remove_prefix(dollar + 1);
    if (rest.starts_with('$')) {
      rest.remove_prefix(1);
      continue;
    }
    auto macro = take_macro(text, rest);
    if (!macro) continue;
    if (!macro->name.empty()) use(macro->name);
    if (macro->comparison) {
      visit_names(macro->comparison->left, use, depth + 1);
      visit_names(macro->comparison->right, use, depth + 1);
    }
    if (macro->yes) visit_names(*macro->yes, use, depth + 1);
    if (macro->no) visit_names(*macro->no, use, depth + 1);
  }
}

}  // namespace

void for_each_macro_name(std::string_view text, const std::function<void(std::string_view)>& use) {
  visit_names(text, use, 0);
}

}  // namespace posthouse::config
