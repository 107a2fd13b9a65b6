#include "lib/table/ldap/ldap_table.h"

#include <fmt/format.h>
#include <ldap.h>

#include <set>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/client_config.h"
#include "lib/table/connection_pool.h"
#include "lib/table/ldap/directory.h"
#include "lib/table/ldap/settings.h"
#include "lib/table/match_list.h"
#include "lib/table/query_template.h"

namespace posthouse::table {
namespace {

constexpr std::chrono::seconds kTurnLimit{30};

// RFC 4515: what a filter must not contain as it is.
std::string filter_quoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("*()\\\0", 5).find(c) != std::string_view::npos)
      out += fmt::format("\\{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out;
}

// RFC 4514: every character that has a meaning in a distinguished name.
std::string dn_quoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool at_edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == text.size() && c == ' ');
    if (c == '\0')
      out += "\\00";
    else if (at_edge || std::string_view(",+\"\\<>;=").find(c) != std::string_view::npos)
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

struct LdapRules {
  QueryTemplate base, filter, result_format;
  MatchList domains;
  bool has_domains = false;
  std::size_t expansion_limit = 0;
  DirectoryRules directory;
};

class LdapTable : public Table {
 public:
  LdapTable(std::string_view name, Flag flags, FileMark mark, LdapRules rules, ServerList servers,
            ConnectionPool<Directory>::Connect connect)
      : Table("ldap", std::string(name), flags),
        mark_(std::move(mark)),
        rules_(std::move(rules)),
        pool_(std::move(servers), std::chrono::seconds(60), std::move(connect),
              [](const std::string&, const std::string& text) { log::warning("{}", text); }) {}
  bool may_wait() const override { return true; }
  bool is_changed() const override { return mark_.is_changed(); }

 protected:
  Lookup find(std::string_view key) override {
    if (rules_.has_domains) {
      const auto domain = domain_of_full_address(key);
      if (!domain) return NotFound{};
      auto matches = rules_.domains.matches(*domain);
      if (!matches) return std::move(matches.error());
      if (!*matches) return NotFound{};
    }
    const auto base = rules_.base.expand(key, dn_quoted);
    const auto filter = rules_.filter.expand(key, filter_quoted);
    if (!base || !filter || !rules_.result_format.suits(key)) return NotFound{};
    auto values = pool_.ask<std::vector<std::string>>(
        [&](Directory& directory) { return directory.search(*base, *filter, rules_.directory); },
        deadline_after(kTurnLimit));
    if (!values) return std::move(values.error());
    return joined(*values, key);
  }

 private:
  Lookup joined(const std::vector<std::string>& values, std::string_view key) const {
    std::string all;
    std::size_t count = 0;
    for (const std::string& value : values) {
      const auto text = rules_.result_format.format(value, key);
      if (!text) continue;
      if (++count > rules_.expansion_limit && rules_.expansion_limit > 0) {
        log::warning("dict_ldap_get_values[1]: {}: Expansion limit exceeded for key: '{}'", name(), key);
        return Failure::deferred("4.3.0", "expansion limit exceeded");
      }
      if (count > 1) all += ",";
      all += *text;
    }
    if (count == 0) return NotFound{};
    return all;
  }

  FileMark mark_;
  LdapRules rules_;
  ConnectionPool<Directory> pool_;
};

int search_scope(const ClientConfig& config) {
  const std::string scope = lower(config.required("scope", "sub"));
  if (scope == "one") return LDAP_SCOPE_ONELEVEL;
  if (scope == "base") return LDAP_SCOPE_BASE;
  if (scope != "sub" && !scope.empty())
    log::warning("dict_ldap_open: {}: Unrecognized value {} specified for scope; using sub", config.name(),
                 scope);
  return LDAP_SCOPE_SUBTREE;
}

void take_rules(Tables& tables, const ClientConfig& config, LdapRules& rules) {
  const std::string filter = config.text("query_filter", "(mailacceptinggeneralid=%s)");
  rules.base = config.query_template("query", config.text("search_base"));
  rules.filter = config.query_template("query", filter);
  std::string format = config.text("result_format");
  if (format.empty()) format = config.required("result_filter", "%s");
  rules.result_format = config.query_template("result", format);
  if (rules.filter.is_fixed())
    log::warning("dict_ldap_open: {}: Fixed query_filter {} is probably useless", config.name(), filter);
  for (const std::string_view old : {"cache", "cache_expiry", "cache_size"}) {
    if (config.find(old)) log::warning("dict_ldap_open: {} ignoring {}", config.name(), old);
  }
  const auto take_list = [&](std::string_view setting, std::string_view fallback) {
    std::set<std::string> out;
    const std::string words = config.text(setting, fallback);
    for (std::string_view word : split_any(words)) out.insert(lower(word));
    return out;
  };
  DirectoryRules& directory = rules.directory;
  directory.results = take_list("result_attribute", "maildrop");
  directory.specials = take_list("special_result_attribute", "");
  directory.terminals = take_list("terminal_result_attribute", "");
  directory.leaves = take_list("leaf_result_attribute", "");
  directory.name = config.name();
  directory.base_is_fixed = rules.base.is_fixed();
  directory.scope = search_scope(config);
  rules.expansion_limit = config.limit("expansion_limit");
  directory.size_limit = static_cast<int>(
      config.number("size_limit", static_cast<long>(rules.expansion_limit), 0, 1'000'000'000));
  directory.recursion_limit = static_cast<int>(config.number("recursion_limit", 1000, 1, 100'000));
  rules.has_domains = !config.text("domain").empty();
  if (rules.has_domains)
    rules.domains = MatchList(tables, "ldap:" + config.name() + " domain", config.text("domain"),
                              {.kind = MatchList::Kind::string});
}

}  // namespace

Result<std::unique_ptr<Table>> open_ldap(Tables& tables, std::string_view name, Flag flags) {
  auto config = ClientConfig::load(tables, name);
  if (!config) return fail(std::move(config.error()));
  LdapRules rules;
  take_rules(tables, *config, rules);
  const std::string urls = ldap_urls(*config);
  DirectorySettings settings = directory_settings(*config, urls);
  rules.directory.timeout = settings.timeout;
  set_debug_level(*config);
  ServerList servers(urls, std::chrono::seconds(config->number("retry_interval", 60, 1, 86400)),
                     ServerList::Order::as_written);
  if (auto checked = config->check(); !checked) return fail(std::move(checked.error()));
  return std::make_unique<LdapTable>(name, flags, config->mark(), std::move(rules), std::move(servers),
                                     [settings = std::move(settings)](const std::string& server) {
                                       return Directory::connect(settings, server);
                                     });
}

}  // namespace posthouse::table
