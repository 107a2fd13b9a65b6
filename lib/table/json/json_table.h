// json: a file with one JSON object; its members are the entries, read when opened.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_json(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
