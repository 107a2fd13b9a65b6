#include "tools/postconf/service_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/master_cf.h"

namespace posthouse::postconf {

namespace {

// Words between blanks; a { group } is one word.
std::string_view take_word(std::string_view& rest) {
  rest = trim_left(rest);
  int level = 0;
  std::size_t end = 0;
  while (end < rest.size() && (level > 0 || !is_space(rest[end]))) {
    level += rest[end] == '{' ? 1 : rest[end] == '}' ? -1 : 0;
    ++end;
  }
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

void check_field(std::string_view field, std::string_view value, std::string_view where) {
  const auto is_number = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return is_digit(c); });
  };
  bool good = true;
  if (field == "type") {
    good = config::service_type(value).has_value();
  } else if (field == "private" || field == "unprivileged" || field == "chroot") {
    good = value == "y" || value == "n" || value == "-";
  } else if (field == "wakeup") {
    good = value == "-" || is_number(value.ends_with('?') ? value.substr(0, value.size() - 1) : value);
  } else if (field == "process_limit") {
    good = value == "-" || is_number(value);
  } else if (field == "service") {
    good = !value.empty();
  }
  if (!good) throw Fatal(fmt::format("invalid {} field \"{}\" in \"{}\"", field, value, where));
}

}  // namespace

std::string ServiceLine::Argument::shown() const {
  if (!is_setting) return text;
  const bool has_blank = std::ranges::any_of(value, [](char c) { return is_space(c); });
  return fmt::format(fmt::runtime(has_blank ? "-o {{{}={}}}" : "-o {}={}"), name, value);
}

ServiceLine ServiceLine::parse(std::string_view text) {
  ServiceLine line;
  std::string_view rest = text;
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    std::string_view word = take_word(rest);
    if (word.empty()) throw BadFieldCount("bad field count");
    if (i < 7) check_field(kFields[i], word, text);
    line.columns_[i] = word;
  }
  line.parse_arguments(rest);
  return line;
}

void ServiceLine::parse_arguments(std::string_view rest) {
  arguments_.clear();
  bool options = true;
  while (true) {
    std::string_view word = take_word(rest);
    if (word.empty()) return;
    options = options && word.starts_with('-');
    if (!options || !word.starts_with("-o")) {
      arguments_.push_back({.text = std::string(word), .name = {}, .value = {}});
      continue;
    }
    const std::string_view setting = word.size() > 2 ? word.substr(2) : take_word(rest);
    if (auto argument = parse_setting(setting)) {
      arguments_.push_back(*std::move(argument));
    } else {  // the daemon will complain
      arguments_.push_back({.text = fmt::format("-o{}{}", setting.empty() ? "" : " ", setting),
                            .breaks = !setting.empty(),
                            .name = {},
                            .value = {}});
    }
  }
}

// "name=value" or "{ name = value }".
std::optional<ServiceLine::Argument> ServiceLine::parse_setting(std::string_view text) {
  const std::string_view whole = text;
  if (text.starts_with('{')) {
    text.remove_prefix(1);
    if (text.ends_with('}')) {
      text.remove_suffix(1);
    } else {
      warnings_.push_back(fmt::format("master.cf: missing '}}' in \"{}\"", whole));
    }
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return Argument{.text = {},
                  .is_setting = true,
                  .breaks = true,
                  .name = std::string(trim(text.substr(0, equals))),
                  .value = std::string(trim(text.substr(equals + 1)))};
}

bool ServiceLine::matches(std::string_view name, std::string_view type) const {
  const auto fits = [](std::string_view pattern, std::string_view text) {
    return pattern.empty() || pattern == "*" || pattern == text;
  };
  return fits(name, columns_[0]) && fits(type, columns_[1]);
}

std::string ServiceLine::field(std::string_view field) const {
  if (field == "command") return command_text(program(), false);
  const auto it = std::ranges::find(kFields, field);
  if (it == kFields.end()) throw Fatal(fmt::format("invalid service attribute name: \"{}\"", field));
  return columns_[static_cast<std::size_t>(it - kFields.begin())];
}

void ServiceLine::set_field(std::string_view field, std::string_view value) {
  const auto it = std::ranges::find(kFields, field);
  if (it == kFields.end()) throw Fatal(fmt::format("invalid service attribute name: \"{}\"", field));
  check_field(field, value, value);
  if (field == "command") {
    std::string_view rest = value;
    columns_[7] = take_word(rest);
    if (columns_[7].empty()) throw Fatal("invalid command field \"\" in \"\"");
    parse_arguments(rest);
    return;
  }
  columns_[static_cast<std::size_t>(it - kFields.begin())] = value;
}

std::vector<std::pair<std::string, std::string>> ServiceLine::parameters() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Argument& argument : arguments_) {
    if (argument.is_setting) all.emplace_back(argument.name, argument.value);
  }
  return all;
}

void ServiceLine::set_parameter(std::string_view parameter, std::string_view value) {
  if (std::ranges::any_of(value, [](char c) { return is_space(c); })) {
    throw Fatal("-Pe does not accept whitespace in parameter value");
  }
  for (Argument& argument : arguments_) {
    if (!argument.is_setting || argument.name != parameter) continue;
    argument.value = value;
    return;
  }
  // Behind the options, before other arguments.
  auto place = std::ranges::find_if(arguments_, [](const Argument& argument) {
    return !argument.is_setting && !argument.text.starts_with('-');
  });
  arguments_.insert(place, {.text = {},
                            .is_setting = true,
                            .breaks = true,
                            .name = std::string(parameter),
                            .value = std::string(value)});
}

void ServiceLine::remove_parameter(std::string_view parameter) {
  std::erase_if(arguments_, [parameter](const Argument& argument) {
    return argument.is_setting && argument.name == parameter;
  });
}

std::string ServiceLine::command_text(std::string line, bool folds) const {
  constexpr std::size_t kWidth = 80;
  std::size_t column = line.size();
  bool after_setting = false;
  for (const Argument& argument : arguments_) {
    const std::string shown = argument.shown();
    const bool breaks = argument.breaks || after_setting || column + 1 + shown.size() >= kWidth;
    line += folds && breaks ? "\n    " : " ";
    column = folds && breaks ? 4 + shown.size() : column + 1 + shown.size();
    line += shown;
    after_setting = argument.breaks;
  }
  return line;
}

std::string ServiceLine::text(bool folds) const {
  // Where the fields stand when none is too long; after one that is, the next ones catch up.
  static constexpr std::array<std::size_t, kFields.size()> kPlaces{0, 11, 17, 25, 33, 41, 49, 57};
  std::string line;
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    if (i > 0) line += ' ';
    if (line.size() < kPlaces[i]) line.resize(kPlaces[i], ' ');
    line += columns_[i];
  }
  return command_text(std::move(line), folds);
}

}  // namespace posthouse::postconf
