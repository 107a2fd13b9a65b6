#include "lib/table/berkeley/database.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "lib/table/database_file.h"

namespace posthouse::table {
namespace {

constexpr std::uint32_t kPageSize = 4096;
constexpr std::uint32_t kMode = 0644;

void ignore_message(const DB_ENV*, const char*, const char*) {}

}  // namespace

Result<Database> open_database(const std::string& path, DBTYPE type, std::uint32_t open_flags,
                               std::size_t cache, std::size_t expected) {
  DB* raw = nullptr;
  if (const int error = db_create(&raw, nullptr, 0)) return fail(cannot_open(path, db_strerror(error)));
  Database db(raw);
  db->set_errcall(raw, ignore_message);
  db->set_cachesize(raw, static_cast<std::uint32_t>(cache >> 30),
                    static_cast<std::uint32_t>(cache & ((1U << 30) - 1)), 1);
  if ((open_flags & DB_CREATE) != 0) {
    db->set_pagesize(raw, kPageSize);
    if (type == DB_HASH && expected > 0) {
      db->set_h_nelem(raw, static_cast<std::uint32_t>(
                               std::min<std::size_t>(expected, std::numeric_limits<std::uint32_t>::max())));
    }
  }
  const int error = db->open(raw, nullptr, path.c_str(), nullptr, type, open_flags, kMode);
  if (error != 0) return fail(cannot_open(path, db_strerror(error)));
  return db;
}

}  // namespace posthouse::table
