// redis: the settings of its file are described in docs/tables.md.
#include "lib/table/redis/redis_table.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/client_config.h"
#include "lib/table/match_list.h"
#include "lib/table/query_template.h"
#include "lib/table/redis/client.h"

namespace posthouse::table {
namespace {

constexpr std::string_view kScanCount = "100";

enum class Command : unsigned char { get, hash, set };

struct RedisRules {
  Command command = Command::get;
  QueryTemplate key, hash, result_format;
  std::string prefix, suffix;  // of the stored key around %s, when key_format is that simple
  bool can_walk = false;
  std::string set_value;
  long ttl = 0;
  MatchList domains;
  bool has_domains = false;
};

using Words = std::vector<std::string>;

class RedisTable : public Table {
 public:
  RedisTable(std::string_view name, Flag flags, FileMark mark, RedisRules rules, RedisSettings settings)
      : Table("redis", std::string(name), flags),
        mark_(std::move(mark)),
        rules_(std::move(rules)),
        client_(spec(), std::move(settings)) {}
  bool may_wait() const override { return true; }
  bool is_changed() const override { return mark_.is_changed(); }

  Result<void> update(std::string_view key, std::string_view value) override {
    const auto prepared = prepared_key(key);
    const auto stored = prepared ? rules_.key.expand(*prepared, {}) : std::nullopt;
    if (!stored) {
      log::warning("{}: update of \"{}\" is skipped: the key lacks a part", spec(), key);
      return {};
    }
    Words words;
    if (rules_.command == Command::hash)
      words = {"HSET", hash_of(*prepared), *stored, std::string(value)};
    else if (rules_.command == Command::set)
      words = {"SADD", hash_of(*prepared), *stored};
    else if (rules_.ttl > 0)
      words = {"SET", *stored, std::string(value), "EX", std::to_string(rules_.ttl)};
    else
      words = {"SET", *stored, std::string(value)};
    auto reply = ask(words);
    if (!reply) return fail(std::move(reply.error()));
    return {};
  }
  Result<bool> erase(std::string_view key) override {
    const auto prepared = prepared_key(key);
    const auto stored = prepared ? rules_.key.expand(*prepared, {}) : std::nullopt;
    if (!stored) return false;
    Words words{"DEL", *stored};
    if (rules_.command == Command::hash) words = {"HDEL", hash_of(*prepared), *stored};
    if (rules_.command == Command::set) words = {"SREM", hash_of(*prepared), *stored};
    auto reply = ask(words);
    if (!reply) return fail(std::move(reply.error()));
    return reply->integer > 0;
  }
  Result<std::unique_ptr<Cursor>> entries() override;

 protected:
  Lookup find(std::string_view key) override {
    if (rules_.has_domains) {
      const auto domain = domain_of_full_address(key);
      if (!domain) return NotFound{};
      auto matches = rules_.domains.matches(*domain);
      if (!matches) return std::move(matches.error());
      if (!*matches) return NotFound{};
    }
    const auto stored = rules_.key.expand(key, {});
    if (!stored || !rules_.result_format.suits(key)) return NotFound{};
    Words words{"GET", *stored};
    if (rules_.command == Command::hash) words = {"HGET", hash_of(key), *stored};
    if (rules_.command == Command::set) words = {"SISMEMBER", hash_of(key), *stored};
    auto reply = ask(words);
    if (!reply) return std::move(reply.error());
    if (rules_.command == Command::set) {
      if (reply->integer == 0) return NotFound{};
      return rules_.set_value;
    }
    if (!reply->text) return NotFound{};
    // An empty value is a mistake that the caller reports.
    if (reply->text->empty()) return std::string();
    auto formatted = rules_.result_format.format(*reply->text, key);
    if (!formatted) return NotFound{};
    return std::move(*formatted);
  }

 private:
  friend class RedisCursor;
  std::string hash_of(std::string_view key) const { return rules_.hash.expand(key, {}).value_or(""); }
  Result<RedisReply> ask(const Words& words) { return client_.command(words); }

  FileMark mark_;
  RedisRules rules_;
  RedisClient client_;
};

// SCAN, HSCAN or SSCAN, a batch at a time. Redis may give an entry twice; later ones are dropped within a
// batch.
class RedisCursor : public Cursor {
 public:
  explicit RedisCursor(RedisTable& table) : table_(table) {}
  Result<std::optional<Entry>> next() override {
    while (position_ == batch_.size()) {
      if (is_done_) return std::optional<Entry>{};
      if (auto filled = fill(); !filled) return fail(std::move(filled.error()));
    }
    return std::optional<Entry>(std::move(batch_[position_++]));
  }

 private:
  Result<void> fill() {
    const RedisRules& rules = table_.rules_;
    const std::string count(kScanCount);
    Words words{"SCAN",  scan_, "MATCH", escaped_pattern(rules.prefix) + "*" + escaped_pattern(rules.suffix),
                "COUNT", count};
    if (rules.command == Command::hash) words = {"HSCAN", table_.hash_of("x"), scan_, "COUNT", count};
    if (rules.command == Command::set) words = {"SSCAN", table_.hash_of("x"), scan_, "COUNT", count};
    auto reply = table_.ask(words);
    if (!reply) return fail(std::move(reply.error()));
    batch_.clear();
    position_ = 0;
    if (!reply->text || *reply->text == "0") is_done_ = true;
    scan_ = reply->text.value_or("0");
    for (std::size_t i = 0; i < reply->list.size(); ++i) {
      const std::string& key = reply->list[i];
      if (rules.command == Command::hash) {
        if (++i < reply->list.size()) batch_.push_back({key, reply->list[i]});
      } else if (rules.command == Command::set) {
        batch_.push_back({key, rules.set_value});
      } else {
        if (auto added = add_value(key); !added) return added;
      }
    }
    return {};
  }
  Result<void> add_value(const std::string& key) {
    auto value = table_.ask({"GET", key});
    if (!value) return fail(std::move(value.error()));
    const auto& rules = table_.rules_;
    const auto size = key.size() - rules.prefix.size() - rules.suffix.size();
    if (value->text) batch_.push_back({key.substr(rules.prefix.size(), size), *value->text});
    return {};
  }
  static std::string escaped_pattern(std::string_view text) {
    std::string out;
    for (char c : text) {
      if (std::string_view("*?[]\\").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
    return out;
  }

  RedisTable& table_;
  std::string scan_ = "0";
  std::vector<Entry> batch_;
  std::size_t position_ = 0;
  bool is_done_ = false;
};

Result<std::unique_ptr<Cursor>> RedisTable::entries() {
  if (!rules_.can_walk) return Table::entries();
  return std::make_unique<RedisCursor>(*this);
}

std::optional<std::string> take_rules(Tables& tables, const ClientConfig& config, RedisRules& rules) {
  const std::string command = lower(config.text("command", "get"));
  if (command == "get")
    rules.command = Command::get;
  else if (command == "hash" || command == "hget")
    rules.command = Command::hash;
  else if (command == "set" || command == "sismember")
    rules.command = Command::set;
  else
    return fmt::format("unknown command \"{}\": get, hash or set is expected", command);
  const std::string key_format = config.text("key_format", "%s"), hash = config.text("hash");
  if (rules.command != Command::get && hash.empty())
    return "a setting \"hash\" (the name of the hash or set) is missing";
  rules.key = config.query_template("query", key_format);
  rules.hash = config.query_template("query", hash);
  rules.result_format = config.query_template("result", config.text("result_format", "%s"));
  const auto place = key_format.find("%s");
  rules.can_walk = place != std::string::npos && hash.find('%') == std::string::npos &&
                   key_format.find('%') == place && key_format.find('%', place + 1) == std::string::npos;
  if (rules.can_walk) {
    rules.prefix = key_format.substr(0, place);
    rules.suffix = key_format.substr(place + 2);
  }
  rules.set_value = config.text("set_value", "OK");
  rules.ttl = config.number("ttl", 0, 0, 1'000'000'000);
  rules.has_domains = !config.text("domain").empty();
  if (rules.has_domains)
    rules.domains = MatchList(tables, "redis:" + config.name() + " domain", config.text("domain"),
                              {.kind = MatchList::Kind::string});
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Table>> open_redis(Tables& tables, std::string_view name, Flag flags) {
  auto config = ClientConfig::load(tables, name);
  if (!config) return fail(std::move(config.error()));
  RedisRules rules;
  if (auto problem = take_rules(tables, *config, rules))
    return fail(Failure::deferred("4.3.5", fmt::format("redis:{}: {}", name, *problem)));
  auto settings = redis_settings(*config);
  if (!settings) return fail(std::move(settings.error()));
  if (auto checked = config->check(); !checked) return fail(std::move(checked.error()));
  return std::make_unique<RedisTable>(name, flags, config->mark(), std::move(rules), std::move(*settings));
}

}  // namespace posthouse::table
