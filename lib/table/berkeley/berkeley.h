// hash: and btree:, Berkeley DB files NAME.db that Debian's tools and ours share.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_hash(Tables& tables, std::string_view name, Flag flags);
Result<std::unique_ptr<Table>> open_btree(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
