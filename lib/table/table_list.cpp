#include "lib/table/table_list.h"

#include <algorithm>

#include "lib/log/log.h"
#include "lib/table/file_text.h"

namespace posthouse::table {

std::vector<std::string> split_list(std::string_view text) {
  return split_braced(text);
}

TableList::TableList(Tables& tables, std::string_view title, std::string_view text, Flag flags)
    : title_(title) {
  for (const std::string& spec : split_list(text)) tables_.push_back(tables.open_or_failing(spec, flags));
}

bool TableList::may_wait() const {
  return std::ranges::any_of(tables_, [](const auto& table) { return table->may_wait(); });
}

Lookup TableList::lookup(std::string_view key, KeyPart part) const {
  std::shared_ptr<Table> which;
  return lookup(key, part, which);
}

Lookup TableList::lookup(std::string_view key, KeyPart part, std::shared_ptr<Table>& which) const {
  which = nullptr;
  if (key.empty()) return NotFound{};
  // By index and by copied pointer: a lookup may wait.
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const std::shared_ptr<Table> table = tables_[i];
    if (part == KeyPart::partial && table->is_pattern()) continue;
    Lookup answer = table->query(key);
    if (const auto* value = std::get_if<std::string>(&answer)) {
      if (!value->empty()) {
        which = table;
        return answer;
      }
      log::warning("{} lookup of {} returns an empty string result", title_, key);
      log::warning("{} should return NO RESULT in case of NOT FOUND", title_);
      return Failure::deferred("4.3.5", "Server configuration error");
    }
    if (std::holds_alternative<Failure>(answer)) {
      log::warning("{} lookup error for \"{}\"", table->spec(), key);
      return Failure::deferred("4.3.0", "Temporary lookup failure");
    }
  }
  return NotFound{};
}

}  // namespace posthouse::table
