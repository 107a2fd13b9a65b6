#include "lib/table/client_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/main_cf.h"

namespace posthouse::table {

Result<ClientConfig> ClientConfig::load(const Tables& tables, std::string_view name) {
  ClientConfig out;
  out.name_ = name;
  if (!name.starts_with('/') && !name.starts_with('.')) {
    out.main_cf_value_ = tables.settings().main_cf_value;
    return out;
  }
  auto file = read_file(out.name_);
  if (!file) return fail(std::move(file.error()));
  out.mark_ = file->mark;
  auto parsed = config::MainCf::parse(file->text, out.name_);
  if (!parsed) return fail(Failure::deferred("4.3.5", parsed.error().front().text()));
  for (const auto& [setting, entry] : parsed->entries()) out.values_[setting] = entry.value;
  return out;
}

std::optional<std::string> ClientConfig::find(std::string_view setting) const {
  if (main_cf_value_) return main_cf_value_(name_ + "_" + std::string(setting));
  const auto value = values_.find(setting);
  if (value == values_.end()) return std::nullopt;
  return value->second;
}

std::string ClientConfig::text(std::string_view setting, std::string_view fallback) const {
  return find(setting).value_or(std::string(fallback));
}

void ClientConfig::note_problem(std::string text) const {
  if (problem_.empty()) problem_ = std::move(text);
}

Result<void> ClientConfig::check() const {
  if (problem_.empty()) return {};
  return fail(Failure::deferred("4.3.5", problem_));
}

std::string ClientConfig::required(std::string_view setting, std::string_view fallback) const {
  std::string value = text(setting, fallback);
  if (value.empty()) note_problem(fmt::format("{}: bad string length 0 < 1: {} = ", name_, setting));
  return value;
}

long ClientConfig::number(std::string_view setting, long fallback, long least, long most) const {
  const auto value = find(setting);
  if (!value) return fallback;
  const auto number = parse_int<long>(trim(*value));
  if (!number)
    note_problem(fmt::format("{}: bad numerical configuration: {} = {}", name_, setting, *value));
  else if (*number < least)
    note_problem(fmt::format("{}: invalid {} parameter value {} < {}", name_, setting, *number, least));
  else if (*number > most)
    note_problem(fmt::format("{}: invalid {} parameter value {} > {}", name_, setting, *number, most));
  else
    return *number;
  return fallback;
}

std::size_t ClientConfig::limit(std::string_view setting) const {
  constexpr long kMost = 1'000'000'000;
  return static_cast<std::size_t>(std::max(0L, number(setting, 0, -kMost, kMost)));
}

bool ClientConfig::yes_no(std::string_view setting, bool fallback) const {
  const auto value = find(setting);
  if (!value) return fallback;
  if (equal_ignoring_case(trim(*value), "yes")) return true;
  if (equal_ignoring_case(trim(*value), "no")) return false;
  note_problem(fmt::format("{}: bad boolean configuration: {} = {}", name_, setting, *value));
  return fallback;
}

QueryTemplate ClientConfig::query_template(std::string_view kind, const std::string& text) const {
  if (!QueryTemplate::is_valid(text))
    note_problem(fmt::format("db_common_parse: {}: Invalid {} template: {}", name_, kind, text));
  return QueryTemplate(text);
}

}  // namespace posthouse::table
