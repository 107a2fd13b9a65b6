// mysql: lookups in MySQL and MariaDB servers.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_mysql(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
