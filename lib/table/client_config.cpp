#include "lib/table/client_config.h"

#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

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

long ClientConfig::number(std::string_view setting, long fallback, long least, long most) const {
  const auto value = find(setting);
  if (!value) return fallback;
  const auto number = parse_int<long>(trim(*value));
  if (number && *number >= least && *number <= most) return *number;
  log::warning("{}: bad numerical configuration: {} = {}; a number from {} to {} is expected", name_, setting,
               *value, least, most);
  return fallback;
}

bool ClientConfig::yes_no(std::string_view setting, bool fallback) const {
  const auto value = find(setting);
  if (!value) return fallback;
  if (equal_ignoring_case(trim(*value), "yes")) return true;
  if (equal_ignoring_case(trim(*value), "no")) return false;
  log::warning("{}: bad boolean configuration: {} = {}; yes or no is expected", name_, setting, *value);
  return fallback;
}

}  // namespace posthouse::table
