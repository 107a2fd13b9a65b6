#include "lib/config/param_set.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/config/expand.h"

namespace posthouse::config {

Parameter::Parameter(ParamSet& set, Spec spec) : spec_(std::move(spec)) {
  set.parameters_.push_back(this);
}

namespace {

// What main.cf or the default says, unexpanded.
std::string text_of(const Spec& spec, const MainCf& main_cf) {
  if (const MainCf::Entry* entry = main_cf.find(spec.name)) return entry->value;
  return spec.compute ? spec.compute(main_cf) : spec.fallback;
}

Problem problem_with(const Spec& spec, const MainCf& main_cf, std::string_view value, std::string expected) {
  const MainCf::Entry* entry = main_cf.find(spec.name);
  return {.where = entry ? entry->where() : "",
          .parameter = spec.name,
          .value = std::string(value),
          .expected = std::move(expected)};
}

}  // namespace

Problems ParamSet::load(const MainCf& main_cf) {
  MainCf known = main_cf;  // with this set's own defaults, for references among them
  known.add_defaults(*this);
  Problems problems;
  for (Parameter* parameter : parameters_) {
    const Spec& spec = parameter->spec();
    std::string text = text_of(spec, known);
    if (parameter->kind() != Kind::raw) {
      auto expanded = known.expand(text);
      if (!expanded) {
        problems.push_back(
            problem_with(spec, main_cf, text, "a correct expression, but: " + expanded.error().expected));
        continue;
      }
      text = *std::move(expanded);
    }
    if (auto ok = parameter->assign(text); !ok)
      problems.push_back(problem_with(spec, main_cf, text, ok.error()));
  }
  return problems;
}

std::string TransportParamSet::named(std::string_view suffix) const {
  return fmt::format("{}_{}", transport_, suffix);
}

std::string TransportParamSet::special(std::string_view transport, std::string_view value,
                                       std::string_view otherwise) const {
  return std::string(transport_ == transport ? value : otherwise);
}

// --- values ------------------------------------------------------------------------------------

namespace {

constexpr std::int64_t kNoLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNoMost = std::numeric_limits<std::int64_t>::max();

std::string bounds(const Spec& spec) {
  if (spec.at_least != kNoLeast && spec.at_most != kNoMost) {
    return fmt::format(" between {} and {}", spec.at_least, spec.at_most);
  }
  if (spec.at_least != kNoLeast) return fmt::format(" of at least {}", spec.at_least);
  if (spec.at_most != kNoMost) return fmt::format(" of at most {}", spec.at_most);
  return "";
}

bool in_bounds(const Spec& spec, std::int64_t value) {
  return value >= spec.at_least && value <= spec.at_most;
}

using Assigned = std::expected<void, std::string>;

Assigned expected_thing(std::string text) {
  return std::unexpected(std::move(text));
}

std::optional<std::int64_t> unit_seconds(char unit) {
  switch (to_lower(unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 604800;
    default:
      return std::nullopt;
  }
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  int shift = 0;
  if (!text.empty()) {
    char unit = to_lower(text.back());
    shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    if (shift != 0) text.remove_suffix(1);
  }
  auto number = parse_int<std::uint64_t>(text);
  if (!number || *number > (std::uint64_t{1} << (62 - shift))) return std::nullopt;
  return *number << shift;
}

}  // namespace

template <>
Assigned Str::assign(std::string_view text) {
  if (!in_bounds(spec(), static_cast<std::int64_t>(text.size()))) {
    return expected_thing(spec().at_least == 1 ? "a value that is not empty"
                                               : "a length in bytes" + bounds(spec()));
  }
  value_ = text;
  return {};
}

template <>
Assigned Raw::assign(std::string_view text) {
  value_ = text;
  return {};
}

template <>
Assigned Path::assign(std::string_view text) {
  if (spec().at_least == 1 && text.empty()) return expected_thing("the name of a file or directory");
  value_ = text;
  return {};
}

template <>
Assigned Int::assign(std::string_view text) {
  auto number = parse_int<int>(trim(text));
  if (!number || !in_bounds(spec(), *number)) return expected_thing("a number" + bounds(spec()));
  value_ = *number;
  return {};
}

template <>
Assigned Bool::assign(std::string_view text) {
  auto answer = parse_yes_no(text);
  if (!answer) return expected_thing("yes or no");
  value_ = *answer;
  return {};
}

template <>
Assigned Seconds::assign(std::string_view text) {
  auto time = parse_seconds(text, spec().unit);
  if (!time || !in_bounds(spec(), time->count())) {
    std::string limits = bounds(spec());
    return expected_thing("a time such as 30s, 5m, 3h, 2d or 1w" +
                          (limits.empty() ? "" : limits + " seconds"));
  }
  value_ = *time;
  return {};
}

template <>
Assigned Bytes::assign(std::string_view text) {
  auto size = parse_size(trim(text));
  if (!size || !in_bounds(spec(), static_cast<std::int64_t>(*size))) {
    return expected_thing("a size in bytes, or with k, m or g" + bounds(spec()));
  }
  value_ = *size;
  return {};
}

template <>
Assigned List::assign(std::string_view text) {
  value_ = split_list(text);
  if (spec().at_least == 1 && value_.empty()) return expected_thing("a list that is not empty");
  return {};
}

template <>
Assigned Level::assign(std::string_view text) {
  auto level = CompatibilityLevel::parse(trim(text));
  if (!level) return expected_thing("a version such as 3.6");
  value_ = *level;
  return {};
}

Assigned ChoiceBase::assign(std::string_view text) {
  std::string list;
  for (std::size_t i = 0; i < spec().words.size(); ++i) {
    if (equal_ignoring_case(spec().words[i], trim(text))) {
      index_ = i;
      word_ = spec().words[i];
      return {};
    }
    list += (i == 0 ? "" : ", ") +
            (spec().words[i].empty() ? std::string("nothing") : std::string(spec().words[i]));
  }
  return expected_thing("one of: " + list);
}

std::optional<CompatibilityLevel> CompatibilityLevel::parse(std::string_view text) {
  CompatibilityLevel level;
  auto parts = split(text, '.');
  if (parts.empty() || parts.size() > 3) return std::nullopt;
  std::array<int*, 3> targets{&level.major, &level.minor, &level.patch};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto number = parse_int<int>(parts[i]);
    if (!number || *number < 0) return std::nullopt;
    *targets[i] = *number;
  }
  return level;
}

std::optional<std::chrono::seconds> parse_seconds(std::string_view text, char unit) {
  text = trim(text);
  if (!text.empty() && unit_seconds(text.back())) {
    unit = text.back();
    text.remove_suffix(1);
  }
  auto number = parse_int<std::int32_t>(text);
  if (!number || *number < 0) return std::nullopt;
  return std::chrono::seconds(*number * *unit_seconds(unit));
}

std::optional<bool> parse_yes_no(std::string_view text) {
  text = trim(text);
  if (equal_ignoring_case(text, "yes")) return true;
  if (equal_ignoring_case(text, "no")) return false;
  return std::nullopt;
}

std::vector<std::string> split_list(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<std::string> pieces;
  while (true) {
    std::size_t start = text.find_first_not_of(kSeparators);
    if (start == std::string_view::npos) return pieces;
    text.remove_prefix(start);
    int level = 0;
    std::size_t end = 0;
    while (end < text.size() && (level > 0 || kSeparators.find(text[end]) == std::string_view::npos)) {
      level += text[end] == '{' ? 1 : text[end] == '}' ? -1 : 0;
      ++end;
    }
    pieces.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string_view inside_braces(std::string_view text) {
  std::string_view inner = trim(text);
  if (inner.size() < 2 || inner.front() != '{' || inner.back() != '}') return text;
  return trim(inner.substr(1, inner.size() - 2));
}

}  // namespace posthouse::config
