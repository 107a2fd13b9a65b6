#include "lib/service/arguments.h"

#include <fmt/format.h>

#include "lib/base/text.h"

namespace posthouse::service {

namespace {

Failure unusable(const std::string& what) {
  return Failure::bounced("5.3.5", what);
}

Result<std::size_t> number(char option, const std::string& value) {
  if (const auto count = parse_int<std::size_t>(value)) return *count;
  return fail(unusable(fmt::format("bad value \"{}\" for -{}: expected a number", value, option)));
}

bool set_flag(Arguments& arguments, char option) {
  switch (option) {
    case 'u':
      arguments.drops_privileges = true;
      return true;
    case 'c':
      arguments.is_chrooted = true;
      return true;
    case 'S':
      arguments.is_stand_alone = true;
      return true;
    case 'T':
      arguments.is_trial = true;
      return true;
    case 'd':
    case 'D':
    case 'l':
    case 'v':
      return true;  // debugging and locking options of other implementations (docs/differences.md)
    default:
      return false;
  }
}

Result<void> set_value(Arguments& arguments, char option, const std::string& value) {
  if (option == 's' || option == 'z') {
    auto count = number(option, value);
    if (!count) return fail(std::move(count.error()));
    (option == 's' ? arguments.listeners : arguments.session_limit) = *count;
  } else if (option == 'n') {
    arguments.service_name = value;
  } else if (option == 't') {
    arguments.service_type = value;
  } else if (option == 'o') {
    arguments.overrides.push_back(value);
  } else if (option != 'i' && option != 'm') {
    return fail(unusable(fmt::format("unknown option -{}", option)));
  }
  return {};
}

}  // namespace

Result<Arguments> parse_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  if (words.empty()) return fail(unusable("no program name"));
  arguments.process_name = words[0].substr(words[0].rfind('/') + 1);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || word[0] != '-') return fail(unusable("unexpected argument \"" + word + "\""));
    for (std::size_t at = 1; at < word.size(); ++at) {
      if (set_flag(arguments, word[at])) continue;
      std::string value = word.substr(at + 1);
      if (value.empty()) {
        if (++i == words.size()) return fail(unusable(fmt::format("option -{} needs a value", word[at])));
        value = words[i];
      }
      if (auto set = set_value(arguments, word[at], value); !set) return fail(std::move(set.error()));
      break;
    }
  }
  return arguments;
}

}  // namespace posthouse::service
