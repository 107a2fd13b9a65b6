// cdb: a constant database NAME.cdb, read from memory; written only as a whole.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_cdb(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
