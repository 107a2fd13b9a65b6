// What mysql:, pgsql: and sqlite: have in common: query template, domain list, result format, limits, pool.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/table/client_config.h"
#include "lib/table/connection_pool.h"
#include "lib/table/match_list.h"
#include "lib/table/query_template.h"
#include "lib/table/tables.h"

namespace posthouse::table {

using SqlRow = std::vector<std::optional<std::string>>;  // nothing = NULL

// One connection; used by one worker thread at a time. All functions block for a bounded time.
class SqlConnection {
 public:
  virtual ~SqlConnection() = default;
  virtual std::string quoted(std::string_view text) = 0;  // for use between single quotes
  virtual ClientResult<std::vector<SqlRow>> query(const std::string& sql) = 0;
};

// The limits a server's answer is held to, whatever expansion_limit says.
inline constexpr std::size_t kSqlRowLimit = 100'000;

struct SqlDialect {
  std::string_view type;  // "mysql"
  // Makes the query of the obsolete select_field … form.
  std::string (*legacy_query)(const ClientConfig& config) = nullptr;
  // The line to log about a query that failed.
  std::string (*trouble)(std::string_view table, std::string_view server, std::string_view text) = nullptr;
};

// Of that form when it is a SELECT.
std::string select_query(const ClientConfig& config);

// `servers`: the hosts to try, as ServerList takes them.
Result<std::unique_ptr<Table>> open_sql_table(Tables& tables, const SqlDialect& dialect,
                                              const ClientConfig& config, Flag flags,
                                              std::string_view servers,
                                              ConnectionPool<SqlConnection>::Connect connect);

}  // namespace posthouse::table
