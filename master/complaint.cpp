#include "master/complaint.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lib/base/text.h"
#include "lib/config/param_set.h"

namespace posthouse::master {

namespace {

struct Setting {
  std::string name, value, place;
};

// master.cf first.
std::vector<Setting> settings_of(const config::MasterEntry& entry, const std::string& service,
                                 const config::MainCf& main_cf) {
  std::vector<Setting> settings;
  for (const auto& [name, value] : entry.overrides()) settings.push_back({name, value, service});
  for (const auto& [name, written] : main_cf.entries()) {
    if (!written.file.empty()) settings.push_back({name, main_cf.value(name), written.where()});
  }
  return settings;
}

bool is_part_of_name(char c) {
  return is_alnum(c) || c == '_' || c == '-';
}

const Setting* named_in(std::string_view complaint, const std::vector<Setting>& settings) {
  for (std::size_t at = 0; at < complaint.size();) {
    std::size_t end = at;
    while (end < complaint.size() && is_part_of_name(complaint[end])) ++end;
    const auto found = std::ranges::find(settings, complaint.substr(at, end - at), &Setting::name);
    if (found != settings.end()) return &*found;
    at = end + 1;
  }
  return nullptr;
}

// How much of "type:name" the complaint repeats: the longer of file name and type tells tables apart.
std::size_t likeness(std::string_view complaint, std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) return 0;
  const std::size_t path = word.find('/', colon);
  if (path != std::string_view::npos && complaint.find(word.substr(path)) != std::string_view::npos) {
    return word.size() - path;
  }
  return complaint.ends_with(fmt::format("dictionary type: {}", word.substr(0, colon))) ? colon : 0;
}

const Setting* table_in(std::string_view complaint, const std::vector<Setting>& settings) {
  const Setting* best = nullptr;
  std::size_t most = 0;
  for (const Setting& setting : settings) {
    for (const std::string& word : config::split_list(setting.value)) {
      const std::size_t found = likeness(complaint, word);
      if (found <= most) continue;
      most = found;
      best = &setting;
    }
  }
  return best;
}

}  // namespace

Complaint with_place(std::string_view complaint, const config::MasterEntry& entry,
                     std::string_view master_cf_path, const config::MainCf& main_cf) {
  const std::string service =
      fmt::format("{}:{}: service {}/{}", master_cf_path, entry.line, entry.name, name_of(entry.type));
  const std::vector<Setting> settings = settings_of(entry, service, main_cf);
  for (const Setting& setting : settings) {
    if (complaint.starts_with(setting.place)) return {std::string(complaint)};
  }
  if (const Setting* setting = named_in(complaint, settings)) {
    return {fmt::format("{}: {}", setting->place, complaint)};
  }
  if (const Setting* setting = table_in(complaint, settings)) {
    return {fmt::format("{}: {}: {}", setting->place, setting->name, complaint)};
  }
  return {fmt::format("{}: {}", service, complaint), false};
}

}  // namespace posthouse::master
