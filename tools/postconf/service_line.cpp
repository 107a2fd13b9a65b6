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

void check_field(std::string_view field, std::string_view value) {
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
  if (!good) throw Fatal(fmt::format("invalid {} field \"{}\" in \"{}\"", field, value, value));
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
    if (word.empty()) throw Fatal("bad field count");
    if (i < 7) check_field(kFields[i], word);
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
    std::string_view setting = word.size() > 2 ? word.substr(2) : take_word(rest);
    if (setting.starts_with('{') && setting.ends_with('}')) setting = setting.substr(1, setting.size() - 2);
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos) {
      throw Fatal(fmt::format("option -o needs name=value, not \"{}\"", setting));
    }
    arguments_.push_back({.text = {},
                          .is_setting = true,
                          .name = std::string(trim(setting.substr(0, equals))),
                          .value = std::string(trim(setting.substr(equals + 1)))});
  }
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
  check_field(field, value);
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
  arguments_.insert(
      place, {.text = {}, .is_setting = true, .name = std::string(parameter), .value = std::string(value)});
}

bool ServiceLine::remove_parameter(std::string_view parameter) {
  return std::erase_if(arguments_, [parameter](const Argument& argument) {
           return argument.is_setting && argument.name == parameter;
         }) > 0;
}

std::string ServiceLine::command_text(std::string line, bool folds) const {
  constexpr std::size_t kWidth = 80;
  std::size_t column = line.size();
  bool after_setting = false;
  for (const Argument& argument : arguments_) {
    const std::string shown = argument.shown();
    const bool breaks = argument.is_setting || after_setting || column + 1 + shown.size() > kWidth;
    line += folds && breaks ? "\n    " : " ";
    column = folds && breaks ? 4 + shown.size() : column + 1 + shown.size();
    line += shown;
    after_setting = argument.is_setting;
  }
  return line;
}

std::string ServiceLine::text(bool folds) const {
  return command_text(
      fmt::format("{:<10} {:<5} {:<7} {:<7} {:<7} {:<7} {:<7} {}", columns_[0], columns_[1], columns_[2],
                  columns_[3], columns_[4], columns_[5], columns_[6], columns_[7]),
      folds);
}

}  // namespace posthouse::postconf
