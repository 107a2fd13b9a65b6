#include "lib/table/json/json_table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lib/log/log.h"
#include "lib/table/memory_table.h"

namespace posthouse::table {
namespace {

// Texts as they are, numbers and booleans as JSON writes them, arrays of such joined with commas.
std::optional<std::string> text_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  if (!value.is_array()) return std::nullopt;
  std::string all;
  for (const auto& item : value) {
    const auto text = item.is_array() ? std::nullopt : text_of(item);
    if (!text) return std::nullopt;
    all += (all.empty() ? "" : ", ") + *text;
  }
  return all;
}

}  // namespace

Result<std::unique_ptr<Table>> open_json(Tables&, std::string_view name, Flag flags) {
  if (has(flags, Flag::write))
    return fail(Failure::deferred("4.3.5", fmt::format("json:{} map requires O_RDONLY access mode", name)));
  auto file = read_file(std::string(name));
  if (!file) return fail(std::move(file.error()));
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(file->text, nullptr, true, true);
  } catch (const nlohmann::json::exception& error) {
    return fail(Failure::deferred("4.3.5", fmt::format("json:{}: {}", name, error.what())));
  }
  if (!object.is_object())
    return fail(Failure::deferred("4.3.5", fmt::format("json:{}: the file is not one JSON object", name)));
  auto table = std::make_unique<MemoryTable>("json", std::string(name), flags, file->mark);
  for (const auto& [key, value] : object.items()) {
    const auto text = text_of(value);
    if (!text)
      log::warning("json:{}: the value of \"{}\" is no text, number or list of them: ignored", name, key);
    else if (!table->add(key, *text))
      log::warning("json:{}: duplicate entry: \"{}\"", name, key);
  }
  return table;
}

}  // namespace posthouse::table
