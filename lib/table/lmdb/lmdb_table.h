// lmdb: one LMDB file NAME.lmdb without lock file; fcntl locks as Debian's tools expect.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_lmdb(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
