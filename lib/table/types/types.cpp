#include "lib/table/types.h"

#include "lib/table/file_types.h"

// A type whose library was not there when this was built is known, but cannot be opened.
#ifdef HAS_TABLE_JSON
#include "lib/table/json/json_table.h"
#endif
#ifdef HAS_TABLE_LDAP
#include "lib/table/ldap/ldap_table.h"
#endif
#ifdef HAS_TABLE_MYSQL
#include "lib/table/mysql/mysql_table.h"
#endif
#ifdef HAS_TABLE_PGSQL
#include "lib/table/pgsql/pgsql_table.h"
#endif
#ifdef HAS_TABLE_REDIS
#include "lib/table/redis/redis_table.h"
#endif
#ifdef HAS_TABLE_SQLITE
#include "lib/table/sqlite/sqlite_table.h"
#endif

namespace posthouse::table {
namespace {

void add_optional(Types& types) {
  for (const auto& [name, package] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"btree", "libdb-dev"},
                                                                            {"cdb", "libcdb-dev"},
                                                                            {"hash", "libdb-dev"},
                                                                            {"json", "nlohmann-json3-dev"},
                                                                            {"ldap", "libldap-dev"},
                                                                            {"lmdb", "liblmdb-dev"},
                                                                            {"mysql", "libmariadb-dev"},
                                                                            {"pcre", "libpcre2-dev"},
                                                                            {"pgsql", "libpq-dev"},
                                                                            {"redis", "libhiredis-dev"},
                                                                            {"sqlite", "libsqlite3-dev"}})
    types[name].package = package;
}

}  // namespace

const Types& all_types() {
  static const Types types = [] {
    Types out = file_types();
    add_optional(out);
#ifdef HAS_TABLE_JSON
    out["json"].open = open_json;
#endif
#ifdef HAS_TABLE_LDAP
    out["ldap"].open = open_ldap;
#endif
#ifdef HAS_TABLE_MYSQL
    out["mysql"].open = open_mysql;
#endif
#ifdef HAS_TABLE_PGSQL
    out["pgsql"].open = open_pgsql;
#endif
#ifdef HAS_TABLE_REDIS
    out["redis"].open = open_redis;
#endif
#ifdef HAS_TABLE_SQLITE
    out["sqlite"].open = open_sqlite;
#endif
    return out;
  }();
  return types;
}

}  // namespace posthouse::table
