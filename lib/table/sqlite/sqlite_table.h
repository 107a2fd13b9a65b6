// sqlite: SQLite files: lookups by SQL.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_sqlite(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
