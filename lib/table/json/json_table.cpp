#include "lib/table/json/json_table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

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

// Adds the members of the outer object while it is parsed: when it is complete, only the last one of each key
// is left in it.
class Members {
 public:
  Members(MemoryTable& table, const std::string& text) : table_(table), text_(text), stream_(text) {}

  // True if the text is one object.
  bool parse() {
    const auto take = [this](int depth, Event event, const nlohmann::json& parsed) {
      if (depth == 1) member(event, parsed);
      return true;
    };
    return nlohmann::json::parse(stream_, take, true, true).is_object();
  }

 private:
  using Event = nlohmann::json::parse_event_t;

  void member(Event event, const nlohmann::json& parsed) {
    if (event == Event::key) {
      key_ = parsed.get<std::string>();
      count_lines();
    } else if (key_ && (event == Event::value || event == Event::array_end || event == Event::object_end)) {
      add(*key_, text_of(parsed));
    }
  }
  // The parser has read as far as the key.
  void count_lines() {
    const auto from = text_.begin() + std::exchange(position_, stream_.tellg());
    line_ += std::count(from, text_.begin() + position_, '\n');
  }
  void add(const std::string& key, const std::optional<std::string>& value) {
    if (!value) return complain(key, "no text, number or list of them, ignored");
    if (table_.add(key, *value)) return;
    const bool is_there = std::holds_alternative<std::string>(table_.query(key));
    complain(key, is_there ? "duplicate entry" : "no key that is looked up, ignored");
  }
  void complain(const std::string& key, std::string_view what) const {
    log::warning("{}, line {}: {}: \"{}\"", table_.name(), line_, what, key);
  }

  MemoryTable& table_;
  const std::string& text_;
  std::istringstream stream_;
  std::optional<std::string> key_;
  std::streamoff position_ = 0, line_ = 1;
};

}  // namespace

Result<std::unique_ptr<Table>> open_json(Tables&, std::string_view name, Flag flags) {
  if (has(flags, Flag::write))
    return fail(Failure::deferred("4.3.5", fmt::format("json:{} map requires O_RDONLY access mode", name)));
  auto file = read_file(std::string(name));
  if (!file) return fail(std::move(file.error()));
  auto table = std::make_unique<MemoryTable>("json", std::string(name), flags, file->mark);
  try {
    if (Members(*table, file->text).parse()) return table;
  } catch (const nlohmann::json::exception& error) {
    return fail(Failure::deferred("4.3.5", fmt::format("json:{}: {}", name, error.what())));
  }
  return fail(Failure::deferred("4.3.5", fmt::format("json:{}: the file is not one JSON object", name)));
}

}  // namespace posthouse::table
