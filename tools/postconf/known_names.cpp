#include "tools/postconf/known_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/expand.h"
#include "lib/registry/registry.h"

namespace posthouse::postconf {

namespace {

// Programs whose services have <transport>_xxx parameters.
bool is_delivery_agent(std::string_view program) {
  static constexpr std::array<std::string_view, 7> kAgents{"smtp", "lmtp",  "local",  "virtual",
                                                           "pipe", "error", "discard"};
  return std::ranges::find(kAgents, program) != kAgents.end();
}

// Known while a process runs, not set in files.
bool is_runtime_name(std::string_view name) {
  return name == "process_name" || name == "process_id" || name == "service_name" || name == "stress" ||
         name == "mail_release_date";
}

}  // namespace

const config::Defaults& KnownNames::builtin() const {
  return registry::defaults();
}

KnownNames::KnownNames(const config::MainCf& main_cf, const std::vector<ServiceLine>& services) {
  for (const ServiceLine& service : services) {
    if (!is_delivery_agent(service.program()) || service.type() != "unix") continue;
    for (const auto& factory : registry::transport_sets()) {
      const auto set = factory.make(service.name());
      for (const config::Parameter* parameter : set->parameters()) {
        const config::Spec& spec = parameter->spec();
        if (builtin().contains(spec.name)) continue;
        service_.insert_or_assign(spec.name, config::Default{spec.fallback, spec.compute});
      }
    }
  }
  for (const auto& [name, fallback] : builtin()) find_references(fallback.text);
  for (const auto& [name, fallback] : service_) find_references(fallback.text);
  for (const auto& [name, entry] : main_cf.entries()) find_references(entry.value);
  for (const ServiceLine& service : services) {
    for (const auto& [name, value] : service.parameters()) find_references(value);
  }
  const std::string classes = main_cf.value("smtpd_restriction_classes");
  for (const std::string_view name : split_any(classes)) referenced_.emplace(name);
  for (const auto& [name, entry] : main_cf.entries()) {
    const bool is_own = referenced_.contains(name) || is_table_parameter(name);
    if (is_own && !builtin().contains(name) && !service_.contains(name)) user_.insert(name);
  }
}

void KnownNames::find_references(std::string_view value) {
  config::for_each_macro_name(value, [this](std::string_view name) { referenced_.emplace(name); });
  for (const std::string_view word : split_any(value, ", \t\r\n{}")) {
    for (const std::string_view type : {"mysql:", "pgsql:", "ldap:", "sqlite:", "memcache:", "redis:"}) {
      const std::size_t at = word.find(type);
      if (at == std::string_view::npos) continue;
      const std::string_view name = word.substr(at + type.size());
      if (!name.empty() && name.find('/') == std::string_view::npos) table_names_.emplace(name);
    }
  }
}

// mysql:accounts is configured by accounts_hosts, accounts_query, ...
bool KnownNames::is_table_parameter(std::string_view name) const {
  return std::ranges::any_of(table_names_, [name](const std::string& table) {
    return name.size() > table.size() && name.starts_with(table) && name[table.size()] == '_';
  });
}

bool KnownNames::contains(std::string_view name) const {
  return builtin().contains(name) || service_.contains(name) || referenced_.contains(name) ||
         is_runtime_name(name) || is_table_parameter(name);
}

namespace {

std::string unused(std::string_view directory, std::string_view file, std::string_view name,
                   std::string_view value) {
  const std::string_view near = registry::nearest_name(name);
  return fmt::format("{}/{}: unused parameter: {}={}{}", directory, file, name, value,
                     near.empty() ? "" : fmt::format(" (is {} meant?)", near));
}

}  // namespace

bool KnownNames::is_defined(const config::MainCf& main_cf, std::string_view name) const {
  return main_cf.find(name) != nullptr || builtin().contains(name) || service_.contains(name) ||
         is_runtime_name(name);
}

void KnownNames::check_values(const config::MainCf& main_cf, std::string_view directory,
                              Warnings& warnings) const {
  std::set<std::string> undefined;
  for (const auto& [name, entry] : main_cf.entries()) {
    const auto readable = config::expand_macros(entry.value, [](std::string_view) { return std::string(); });
    if (!readable) warnings.warn(readable.error());
    config::for_each_macro_name(entry.value, [&](std::string_view used) {
      if (!is_defined(main_cf, used)) undefined.emplace(used);
    });
  }
  for (const std::string& name : undefined) {
    warnings.warn(fmt::format("{}/main.cf: undefined parameter: {}", directory, name));
  }
}

void KnownNames::check_main_cf(const config::MainCf& main_cf, std::string_view directory,
                               Warnings& warnings) const {
  for (const auto& [name, entry] : main_cf.entries()) {
    if (!contains(name)) warnings.warn(unused(directory, "main.cf", name, entry.value));
  }
}

void KnownNames::check_master_cf(const config::MainCf& main_cf, const std::vector<ServiceLine>& services,
                                 std::string_view directory, Warnings& warnings) const {
  for (const ServiceLine& service : services) {
    const auto own = service.parameters();
    const auto is_own = [&own](std::string_view name) {
      return std::ranges::any_of(own, [name](const auto& setting) { return setting.first == name; });
    };
    for (const auto& [name, value] : own) {
      config::for_each_macro_name(value, [&](std::string_view used) {
        if (is_own(used) || is_defined(main_cf, used)) return;
        warnings.warn(fmt::format("{}/master.cf: undefined parameter: {}", directory, used));
      });
      if (!contains(name)) warnings.warn(unused(directory, "master.cf", name, value));
    }
  }
}

}  // namespace posthouse::postconf
