#include "lib/table/sql_table.h"

#include <fmt/format.h>

#include "lib/log/log.h"

namespace posthouse::table {
namespace {

constexpr std::chrono::seconds kTurnLimit{30};  // how long a lookup waits for a free connection

struct SqlRules {
  QueryTemplate query;
  QueryTemplate result_format;
  MatchList domains;
  bool has_domains = false;
  std::size_t expansion_limit = 0;
};

class SqlTable : public Table {
 public:
  SqlTable(const SqlDialect& dialect, const ClientConfig& config, Flag flags, SqlRules rules,
           std::string_view servers, ConnectionPool<SqlConnection>::Connect connect)
      : Table(std::string(dialect.type), config.name(), flags),
        mark_(config.mark()),
        rules_(std::move(rules)),
        pool_(ServerList(servers, std::chrono::seconds(config.number("retry_interval", 60, 1, 86400))),
              std::chrono::seconds(config.number("idle_interval", 60, 1, 86400)), std::move(connect),
              [spec = spec(), trouble = dialect.trouble](const std::string& server, const std::string& text) {
                log::warning("{}", trouble(spec, server, text));
              }) {}

  bool may_wait() const override { return true; }
  bool is_changed() const override { return mark_.is_changed(); }

 protected:
  Lookup find(std::string_view key) override {
    auto wanted = is_wanted(key);
    if (!wanted) return std::move(wanted.error());
    if (!*wanted) return NotFound{};
    const std::string asked(key);
    auto rows = pool_.ask<std::optional<std::vector<SqlRow>>>(
        [this, &asked](SqlConnection& connection) -> ClientResult<std::optional<std::vector<SqlRow>>> {
          const auto sql =
              rules_.query.expand(asked, [&](std::string_view text) { return connection.quoted(text); });
          if (!sql) return std::optional<std::vector<SqlRow>>{};
          auto answer = connection.query(*sql);
          if (!answer) return std::unexpected(std::move(answer.error()));
          return std::move(*answer);
        },
        deadline_after(kTurnLimit));
    if (!rows) return std::move(rows.error());
    if (!*rows) return NotFound{};
    return joined(**rows, asked);
  }

 private:
  // Is the key one that the domain list and the templates let through? May wait.
  Result<bool> is_wanted(std::string_view key) const {
    if (!rules_.query.expand(key, {}) || !rules_.result_format.suits(key)) return false;
    if (!rules_.has_domains) return true;
    const auto domain = domain_of_full_address(key);
    if (!domain) return false;
    return rules_.domains.matches(*domain);
  }
  Lookup joined(const std::vector<SqlRow>& rows, std::string_view key) const {
    std::string all;
    std::size_t count = 0;
    bool has_empty = false;
    for (const SqlRow& row : rows) {
      for (const auto& field : row) {
        if (!field) continue;
        if (field->empty()) {
          if (!std::exchange(has_empty, true))
            log::warning("table \"{}\": empty lookup result for: \"{}\" -- ignored", spec(), key);
          continue;
        }
        const auto text = rules_.result_format.format(*field, key);
        if (!text) continue;
        if (++count > rules_.expansion_limit && rules_.expansion_limit > 0) {
          log::warning("dict_{}_lookup: {}: Expansion limit exceeded for key: '{}'", type(), name(), key);
          return Failure::deferred("4.3.0", "expansion limit exceeded");
        }
        if (count > 1) all += ",";
        all += *text;
      }
    }
    if (count == 0) return NotFound{};
    return all;
  }

  FileMark mark_;
  SqlRules rules_;
  ConnectionPool<SqlConnection> pool_;
};

}  // namespace

std::string select_query(const ClientConfig& config) {
  const std::string table = config.required("table"), field = config.required("select_field");
  return fmt::format("SELECT {} FROM {} WHERE {} = '%s' {}", field, table, config.required("where_field"),
                     config.text("additional_conditions"));
}

Result<std::unique_ptr<Table>> open_sql_table(Tables& tables, const SqlDialect& dialect,
                                              const ClientConfig& config, Flag flags,
                                              std::string_view servers,
                                              ConnectionPool<SqlConnection>::Connect connect) {
  const auto query = config.find("query");
  SqlRules rules;
  rules.query = config.query_template("query", query ? *query : dialect.legacy_query(config));
  rules.result_format = config.query_template("result", config.text("result_format", "%s"));
  const std::string domains = config.text("domain");
  rules.has_domains = !domains.empty();
  if (rules.has_domains)
    rules.domains = MatchList(tables, std::string(dialect.type) + ":" + config.name() + " domain", domains,
                              {.kind = MatchList::Kind::string});
  rules.expansion_limit = config.limit("expansion_limit");
  auto table =
      std::make_unique<SqlTable>(dialect, config, flags, std::move(rules), servers, std::move(connect));
  if (auto checked = config.check(); !checked) return fail(std::move(checked.error()));
  return table;
}

}  // namespace posthouse::table
