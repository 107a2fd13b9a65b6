#include "lib/table/sqlite/sqlite_table.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "lib/log/log.h"
#include "lib/table/sql_table.h"

namespace posthouse::table {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { ::sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};

constexpr int kStepsBetweenChecks = 10'000;

class SqliteConnection : public SqlConnection {
 public:
  SqliteConnection(sqlite3* database, std::chrono::seconds timeout)
      : database_(database), timeout_(timeout) {}

  static ClientResult<std::unique_ptr<SqlConnection>> connect(const std::string& path,
                                                              std::chrono::seconds timeout) {
    sqlite3* raw = nullptr;
    const int error =
        ::sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    auto out = std::make_unique<SqliteConnection>(raw, timeout);
    if (error != SQLITE_OK)
      return std::unexpected(
          ClientTrouble{true, fmt::format("open SQLite database {}: {}", path, ::sqlite3_errstr(error))});
    ::sqlite3_busy_timeout(raw, static_cast<int>(std::chrono::milliseconds(timeout).count()));
    ::sqlite3_progress_handler(raw, kStepsBetweenChecks, is_late, out.get());
    return out;
  }

  std::string quoted(std::string_view text) override {
    std::string out;
    for (char c : text) {
      if (c == '\'') out += c;
      out += c;
    }
    return out;
  }

  ClientResult<std::vector<SqlRow>> query(const std::string& sql) override {
    deadline_ = deadline_after(timeout_);
    sqlite3_stmt* raw = nullptr;
    if (::sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr) !=
        SQLITE_OK)
      return std::unexpected(trouble("prepare"));
    const std::unique_ptr<sqlite3_stmt, Finalize> statement(raw);
    std::vector<SqlRow> rows;
    for (;;) {
      const int step = ::sqlite3_step(raw);
      if (step == SQLITE_DONE) return rows;
      if (step != SQLITE_ROW) return std::unexpected(trouble("step"));
      SqlRow& out = rows.emplace_back();
      // Of this type the first column counts only.
      if (::sqlite3_column_type(raw, 0) == SQLITE_NULL) {
        out.emplace_back(std::nullopt);
      } else {
        const auto* text = static_cast<const char*>(::sqlite3_column_blob(raw, 0));
        out.emplace_back(std::string(text != nullptr ? text : "",
                                     static_cast<std::size_t>(::sqlite3_column_bytes(raw, 0))));
      }
      if (rows.size() > kSqlRowLimit) return std::unexpected(ClientTrouble{false, "too many rows"});
    }
  }

 private:
  static int is_late(void* self) {
    return std::chrono::steady_clock::now() > static_cast<SqliteConnection*>(self)->deadline_ ? 1 : 0;
  }
  ClientTrouble trouble(std::string_view what) const {
    return {false, fmt::format("SQL {} failed: {}", what, ::sqlite3_errmsg(database_.get()))};
  }

  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::chrono::seconds timeout_;
  Deadline deadline_ = kNever;
};

std::string trouble_line(std::string_view table, std::string_view, std::string_view text) {
  return fmt::format("{}: {}", table, text);
}

constexpr SqlDialect kSqlite{.type = "sqlite", .legacy_query = select_query, .trouble = trouble_line};

}  // namespace

Result<std::unique_ptr<Table>> open_sqlite(Tables& tables, std::string_view name, Flag flags) {
  auto config = ClientConfig::load(tables, name);
  if (!config) return fail(std::move(config.error()));
  const std::string path = config->required("dbpath");
  // Keys are made safe for text between single quotes only.
  const std::string query = config->text("query");
  for (std::string_view part : {"\"%s\"", "\"%u\"", "\"%d\""}) {
    if (query.find(part) != std::string::npos)
      log::warning("sqlite:{}: {} in the query: use single quotes", name, part);
  }
  const auto timeout = std::chrono::seconds(config->number("timeout", 10, 1, 3600));
  return open_sql_table(tables, kSqlite, *config, flags, "file", [path, timeout](const std::string&) {
    return SqliteConnection::connect(path, timeout);
  });
}

}  // namespace posthouse::table
