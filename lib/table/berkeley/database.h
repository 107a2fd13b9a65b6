// A Berkeley DB handle as a C++ value: bytes in, bytes out, errors as text.
#pragma once

#include <db.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/failure.h"

namespace posthouse::table {

struct CloseDatabase {
  void operator()(DB* db) const { db->close(db, 0); }
};
using Database = std::unique_ptr<DB, CloseDatabase>;

// `cache` in bytes; `expected` entries size a new hash file (0 = unknown).
Result<Database> open_database(const std::string& path, DBTYPE type, std::uint32_t open_flags,
                               std::size_t cache, std::size_t expected = 0);

inline DBT to_dbt(std::string_view bytes) {
  DBT out{};
  out.data = const_cast<char*>(bytes.data());
  out.size = static_cast<std::uint32_t>(bytes.size());
  return out;
}
inline std::string_view to_view(const DBT& dbt) {
  return {static_cast<const char*>(dbt.data), dbt.size};
}

}  // namespace posthouse::table
