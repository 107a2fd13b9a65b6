// redis: Redis servers: get, hash and set lookups, with TTL, TLS and AUTH.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_redis(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
