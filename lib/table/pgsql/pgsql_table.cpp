#include "lib/table/pgsql/pgsql_table.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <map>

#include "lib/base/text.h"
#include "lib/table/sql_table.h"

namespace posthouse::table {
namespace {

struct PgsqlSettings {
  std::string user, password, database, encoding;
  std::chrono::seconds timeout{10};
};

struct FreeResult {
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, FreeResult>;

bool is_uri(std::string_view server) {
  return server.starts_with("postgresql://") || server.starts_with("postgres://");
}

// What libpq is told about one entry of `hosts`: a URI, "unix:/dir", "inet:host:port", "host:port", "host".
std::map<std::string, std::string> connection_parameters(const PgsqlSettings& settings,
                                                         std::string_view server) {
  std::map<std::string, std::string> out{
      {"connect_timeout", std::to_string(std::max<long>(2, settings.timeout.count()))},
      {"client_encoding", settings.encoding}};
  if (is_uri(server)) {
    out["dbname"] = server;
    return out;
  }
  if (starts_with_ignoring_case(server, "unix:") || starts_with_ignoring_case(server, "inet:"))
    server.remove_prefix(5);
  std::string_view host = server, port;
  if (!server.starts_with('/')) {
    const auto bracket = server.find(']');
    const auto colon = server.find(':', bracket == std::string_view::npos ? 0 : bracket);
    host = server.substr(0, colon);
    if (colon != std::string_view::npos) port = server.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  }
  out["host"] = host;
  out["port"] = port;
  out["user"] = settings.user;
  out["password"] = settings.password;
  out["dbname"] = settings.database;
  return out;
}

class PgsqlConnection : public SqlConnection {
 public:
  PgsqlConnection(PGconn* connection, std::chrono::seconds timeout)
      : connection_(connection), timeout_(timeout) {}
  ~PgsqlConnection() override { ::PQfinish(connection_); }
  PgsqlConnection(const PgsqlConnection&) = delete;
  PgsqlConnection& operator=(const PgsqlConnection&) = delete;

  static ClientResult<std::unique_ptr<SqlConnection>> connect(const PgsqlSettings& settings,
                                                              const std::string& server) {
    std::vector<const char*> names, values;  // an empty value means the library's default
    const auto parameters = connection_parameters(settings, server);
    for (const auto& [name, value] : parameters) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    auto out = std::make_unique<PgsqlConnection>(
        ::PQconnectdbParams(names.data(), values.data(), is_uri(server) ? 1 : 0), settings.timeout);
    if (::PQstatus(out->connection_) == CONNECTION_OK) return out;
    return std::unexpected(
        ClientTrouble{true, fmt::format("connect to pgsql server {}: {}", server, out->error())});
  }

  std::string quoted(std::string_view text) override {
    std::string out(text.size() * 2 + 1, '\0');
    int error = 0;
    out.resize(::PQescapeStringConn(connection_, out.data(), text.data(), text.size(), &error));
    if (error != 0) is_bad_text_ = true;  // not valid in the client encoding: do not even ask
    return out;
  }

  ClientResult<std::vector<SqlRow>> query(const std::string& sql) override {
    if (std::exchange(is_bad_text_, false)) return std::vector<SqlRow>{};
    const Deadline deadline = deadline_after(timeout_);
    if (::PQsendQuery(connection_, sql.c_str()) != 1) return std::unexpected(trouble(true));
    std::vector<SqlRow> rows;
    for (;;) {
      if (auto arrived = wait(deadline); !arrived) return std::unexpected(std::move(arrived.error()));
      const PgResult result(::PQgetResult(connection_));
      if (!result) return rows;
      const ExecStatusType status = ::PQresultStatus(result.get());
      if (status == PGRES_TUPLES_OK)
        append(result.get(), rows);
      else if (status != PGRES_COMMAND_OK)
        return std::unexpected(failed_query(result.get(), deadline));
      if (rows.size() > kSqlRowLimit) return std::unexpected(ClientTrouble{true, "too many rows"});
    }
  }

 private:
  std::string error() const { return join_lines(::PQerrorMessage(connection_)); }
  static std::string join_lines(const char* text) {
    std::string out(trim(text));
    std::ranges::replace(out, '\n', ' ');
    return out;
  }
  ClientTrouble trouble(bool is_servers_fault) const { return {is_servers_fault, error()}; }
  // Takes the rest of the answer so that the connection can be used again.
  ClientTrouble failed_query(PGresult* result, Deadline deadline) {
    const std::string text = join_lines(::PQresultErrorMessage(result));
    for (;;) {
      if (!wait(deadline)) return {true, text};
      if (!PgResult(::PQgetResult(connection_))) break;
    }
    return {::PQstatus(connection_) != CONNECTION_OK, text};
  }
  ClientResult<void> wait(Deadline deadline) {
    while (::PQisBusy(connection_) != 0) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd socket{::PQsocket(connection_), POLLIN, 0};
      if (left.count() <= 0 || ::poll(&socket, 1, static_cast<int>(left.count())) == 0)
        return std::unexpected(ClientTrouble{true, "the server does not answer"});
      if (::PQconsumeInput(connection_) != 1) return std::unexpected(trouble(true));
    }
    return {};
  }
  static void append(PGresult* result, std::vector<SqlRow>& rows) {
    const int fields = ::PQnfields(result);
    for (int row = 0; row < ::PQntuples(result); ++row) {
      SqlRow& out = rows.emplace_back();
      for (int field = 0; field < fields; ++field) {
        // A NULL is an empty text, which is told about.
        const auto size = static_cast<std::size_t>(::PQgetlength(result, row, field));
        out.emplace_back(std::string(::PQgetvalue(result, row, field), size));
      }
    }
  }

  PGconn* connection_;
  std::chrono::seconds timeout_;
  bool is_bad_text_ = false;
};

std::string legacy_query(const ClientConfig& config) {
  if (const auto function = config.find("select_function")) return fmt::format("SELECT {}('%s')", *function);
  return select_query(config);
}

std::string trouble_line(std::string_view, std::string_view server, std::string_view text) {
  return fmt::format("pgsql query failed: fatal error from host {}: {}", server, text);
}

constexpr SqlDialect kPgsql{.type = "pgsql", .legacy_query = legacy_query, .trouble = trouble_line};

}  // namespace

Result<std::unique_ptr<Table>> open_pgsql(Tables& tables, std::string_view name, Flag flags) {
  auto config = ClientConfig::load(tables, name);
  if (!config) return fail(std::move(config.error()));
  PgsqlSettings settings;
  settings.user = config->text("user");
  settings.password = config->text("password");
  settings.database = config->text("dbname");
  settings.encoding = config->text("encoding", "UTF8");
  settings.timeout = std::chrono::seconds(config->number("timeout", 10, 1, 3600));
  const std::string hosts = config->text("hosts", "localhost");
  return open_sql_table(tables, kPgsql, *config, flags, hosts,
                        [settings = std::move(settings)](const std::string& server) {
                          return PgsqlConnection::connect(settings, server);
                        });
}

}  // namespace posthouse::table
