// Replaces the status code or the text of a delivery's result by table lookup
// (default_delivery_status_filter and its versions for single agents).
//
// The tables are asked with "D.S.N TEXT" and answer in the same form; without a text the old one stays. A
// success stays a success; other answers are warned about and change nothing. lookup() may wait.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/config/main_cf.h"
#include "lib/table/table_list.h"
#include "lib/table/tables.h"

namespace posthouse::delivery {

class StatusFilter {
 public:
  struct Status {
    std::string dsn, text;
  };

  StatusFilter(std::unique_ptr<table::Tables> tables, table::TableList list)
      : tables_(std::move(tables)), list_(std::move(list)) {}
  // `title` is the parameter's name. Null when `text` names no table.
  static Result<std::shared_ptr<const StatusFilter>> open(std::shared_ptr<const config::MainCf> main_cf,
                                                          const table::Types& types, std::string_view title,
                                                          std::string_view text);

  // What stands in place of the status, if anything.
  std::optional<Status> lookup(std::string_view dsn, std::string_view text) const;
  std::string changed_table() const { return tables_->changed(); }

 private:
  std::unique_ptr<table::Tables> tables_;
  table::TableList list_;
};

}  // namespace posthouse::delivery
