#include "lib/table/mysql/mysql_table.h"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>

#include "lib/base/text.h"
#include "lib/table/sql_table.h"

namespace posthouse::table {
namespace {

struct MysqlSettings {
  std::string user, password, database, charset;
  std::string option_file, option_group;
  std::string tls_cert_file, tls_key_file, tls_ca_file, tls_ca_path, tls_ciphers;
  bool tls_verify = false;
  bool require_result_set = true;
  unsigned timeout = 0;  // seconds, for connecting and for each read and write
};

struct Server {
  std::string socket, host;
  unsigned port = 0;
};

// "unix:/path", "inet:host:port", "host:port", "host"; IPv6 addresses in brackets.
Server parse_server(std::string_view text) {
  Server out;
  if (starts_with_ignoring_case(text, "unix:")) {
    out.socket = text.substr(5);
    return out;
  }
  if (starts_with_ignoring_case(text, "inet:")) text.remove_prefix(5);
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    host = text.substr(1, close == std::string_view::npos ? close : close - 1);
    if (close != std::string_view::npos && text.substr(close + 1).starts_with(':'))
      port = text.substr(close + 2);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  out.host = host;
  out.port = parse_int<unsigned>(port).value_or(0);
  return out;
}

class MysqlConnection : public SqlConnection {
 public:
  static ClientResult<std::unique_ptr<SqlConnection>> connect(const MysqlSettings& settings,
                                                              const std::string& server_text) {
    auto out = std::make_unique<MysqlConnection>(settings.require_result_set);
    if (!out->mysql_) return std::unexpected(ClientTrouble{true, "out of memory"});
    out->set_options(settings);
    const Server server = parse_server(server_text);
    const auto or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
    const unsigned long flags = CLIENT_MULTI_RESULTS;  // stored procedures
    if (::mysql_real_connect(out->mysql_, server.socket.empty() ? or_null(server.host) : "localhost",
                             or_null(settings.user), or_null(settings.password), or_null(settings.database),
                             server.port, or_null(server.socket), flags) == nullptr)
      return std::unexpected(ClientTrouble{
          true, fmt::format("connect to mysql server {}: {}", server_text, ::mysql_error(out->mysql_))});
    return out;
  }

  explicit MysqlConnection(bool require_result_set)
      : mysql_(::mysql_init(nullptr)), require_result_set_(require_result_set) {}
  ~MysqlConnection() override {
    if (mysql_ != nullptr) ::mysql_close(mysql_);
  }
  MysqlConnection(const MysqlConnection&) = delete;
  MysqlConnection& operator=(const MysqlConnection&) = delete;

  std::string quoted(std::string_view text) override {
    std::string out(text.size() * 2 + 1, '\0');
    out.resize(::mysql_real_escape_string(mysql_, out.data(), text.data(), text.size()));
    return out;
  }

  ClientResult<std::vector<SqlRow>> query(const std::string& sql) override {
    if (::mysql_real_query(mysql_, sql.data(), sql.size()) != 0) return std::unexpected(trouble());
    std::vector<SqlRow> rows;
    bool has_result = false;
    for (;;) {
      if (auto taken = take_result(rows, has_result); !taken)
        return std::unexpected(std::move(taken.error()));
      const int more = ::mysql_next_result(mysql_);
      if (more > 0) return std::unexpected(trouble());
      if (more < 0) break;
    }
    if (!has_result && require_result_set_)
      return std::unexpected(ClientTrouble{false, "the query gave no result set"});
    return rows;
  }

 private:
  void set_options(const MysqlSettings& settings) {
    const auto set = [this](mysql_option option, const std::string& text) {
      if (!text.empty()) ::mysql_options(mysql_, option, text.c_str());
    };
    set(MYSQL_READ_DEFAULT_FILE, settings.option_file);
    set(MYSQL_READ_DEFAULT_GROUP, settings.option_group);
    ::mysql_options(mysql_, MYSQL_OPT_CONNECT_TIMEOUT, &settings.timeout);
    ::mysql_options(mysql_, MYSQL_OPT_READ_TIMEOUT, &settings.timeout);
    ::mysql_options(mysql_, MYSQL_OPT_WRITE_TIMEOUT, &settings.timeout);
    set(MYSQL_SET_CHARSET_NAME, settings.charset);
    set(MYSQL_OPT_SSL_KEY, settings.tls_key_file);
    set(MYSQL_OPT_SSL_CERT, settings.tls_cert_file);
    set(MYSQL_OPT_SSL_CA, settings.tls_ca_file);
    set(MYSQL_OPT_SSL_CAPATH, settings.tls_ca_path);
    set(MYSQL_OPT_SSL_CIPHER, settings.tls_ciphers);
    // Verifying must also mean that a plain connection is refused.
    const my_bool yes = 1;
    if (settings.tls_verify) {
      ::mysql_options(mysql_, MYSQL_OPT_SSL_ENFORCE, &yes);
      ::mysql_options(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    }
  }
  ClientTrouble trouble() const {
    // Errors below CR_MIN_ERROR are the server's answer to this query; the connection is still good.
    const bool is_connection = ::mysql_errno(mysql_) >= CR_MIN_ERROR;
    return {is_connection, ::mysql_error(mysql_)};
  }
  ClientResult<void> take_result(std::vector<SqlRow>& rows, bool& has_result) {
    std::unique_ptr<MYSQL_RES, decltype(&::mysql_free_result)> result(::mysql_store_result(mysql_),
                                                                      &::mysql_free_result);
    if (!result) {
      if (::mysql_errno(mysql_) != 0) return std::unexpected(trouble());
      return {};
    }
    if (has_result) return std::unexpected(ClientTrouble{true, "the query gave several result sets"});
    has_result = true;
    const unsigned fields = ::mysql_num_fields(result.get());
    while (MYSQL_ROW row = ::mysql_fetch_row(result.get())) {
      const unsigned long* lengths = ::mysql_fetch_lengths(result.get());
      SqlRow& out = rows.emplace_back();
      for (unsigned i = 0; i < fields; ++i) {
        if (row[i] == nullptr)
          out.emplace_back(std::nullopt);
        else
          out.emplace_back(std::string(row[i], lengths[i]));
      }
      if (rows.size() > kSqlRowLimit) return std::unexpected(ClientTrouble{true, "too many rows"});
    }
    return {};
  }

  MYSQL* mysql_;
  bool require_result_set_;
};

std::string trouble_line(std::string_view table, std::string_view, std::string_view text) {
  return fmt::format("{}: query failed: {}", table, text);
}

constexpr SqlDialect kMysql{.type = "mysql", .legacy_query = select_query, .trouble = trouble_line};

MysqlSettings settings_from(const ClientConfig& config) {
  MysqlSettings out;
  out.user = config.text("user");
  out.password = config.text("password");
  out.database = config.text("dbname");
  out.charset = config.text("charset");
  out.option_file = config.text("option_file");
  out.option_group = config.text("option_group", "client");
  out.tls_cert_file = config.text("tls_cert_file");
  out.tls_key_file = config.text("tls_key_file");
  out.tls_ca_file = config.text("tls_CAfile");
  out.tls_ca_path = config.text("tls_CApath");
  out.tls_ciphers = config.text("tls_ciphers");
  out.tls_verify = config.yes_no("tls_verify_cert", false);
  out.require_result_set = config.yes_no("require_result_set", true);
  out.timeout = static_cast<unsigned>(config.number("timeout", 10, 1, 3600));
  return out;
}

}  // namespace

Result<std::unique_ptr<Table>> open_mysql(Tables& tables, std::string_view name, Flag flags) {
  auto config = ClientConfig::load(tables, name);
  if (!config) return fail(std::move(config.error()));
  static const bool is_ready = ::mysql_library_init(0, nullptr, nullptr) == 0;
  if (!is_ready) return fail(Failure::deferred("4.3.0", "mysql client library cannot be initialised"));
  auto settings = settings_from(*config);
  const std::string hosts = config->text("hosts", "localhost");
  return open_sql_table(tables, kMysql, *config, flags, hosts,
                        [settings = std::move(settings)](const std::string& server) {
                          return MysqlConnection::connect(settings, server);
                        });
}

}  // namespace posthouse::table
