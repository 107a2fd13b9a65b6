// A main.cf list of tables, "hash:/a, mysql:/b, inline:{ {k = v} }", searched in the given order.
//
// The first table that has the key wins; the first failure ends the search as a failure (never as
// "not found"). Order, commas, white space and { } grouping as in main.cf. May wait if any member may.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/table/tables.h"

namespace posthouse::table {

enum class KeyPart { whole, partial };  // partial: an address without extension, a parent domain, …

class TableList {
 public:
  TableList() = default;
  // `title` is the parameter's name, for log lines ("virtual_alias_maps"). Tables that cannot be
  // opened become failing tables. A bare name without type is an error that is logged likewise.
  TableList(Tables& tables, std::string_view title, std::string_view text, Flag flags = kLookupFlags);

  Lookup lookup(std::string_view key, KeyPart part = KeyPart::whole) const;
  // The table that answered stands in `which` (for alias owners); null if none did.
  Lookup lookup(std::string_view key, KeyPart part, std::shared_ptr<Table>& which) const;

  bool empty() const { return tables_.empty(); }
  bool may_wait() const;
  const std::string& title() const { return title_; }
  const std::vector<std::shared_ptr<Table>>& tables() const { return tables_; }

 private:
  std::string title_;
  std::vector<std::shared_ptr<Table>> tables_;
};

// Splits a main.cf list at commas and white space, keeping { … } groups whole (braces included).
// An unbalanced brace takes the rest of the text.
std::vector<std::string> split_list(std::string_view text);

}  // namespace posthouse::table
