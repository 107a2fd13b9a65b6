// memcache: a cache in a memcached server, with an optional table behind it (backup).
#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/client_config.h"
#include "lib/table/match_list.h"
#include "lib/table/query_template.h"
#include "lib/table/stream_pool.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

constexpr std::size_t kKeyLimit = 250;  // of the memcache protocol

struct MemcacheRules {
  QueryTemplate key;
  MatchList domains;
  bool has_domains = false;
  long flags = 0, ttl = 3600, tries = 2;
  std::chrono::seconds pause{1}, timeout{2};
  std::size_t line_limit = 1024, data_limit = 10240;
};

class MemcacheTable : public Table {
 public:
  MemcacheTable(std::string_view name, Flag flags, FileMark mark, MemcacheRules rules, Endpoint endpoint,
                std::shared_ptr<Table> backup)
      : Table("memcache", std::string(name), flags),
        mark_(std::move(mark)),
        rules_(std::move(rules)),
        pool_(std::move(endpoint)),
        backup_(std::move(backup)) {}
  bool may_wait() const override { return true; }
  bool is_changed() const override { return mark_.is_changed() || (backup_ && backup_->is_changed()); }

  Result<void> update(std::string_view key, std::string_view value) override {
    const auto prepared = prepared_key(key);
    const auto stored = prepared ? stored_key(*prepared) : std::nullopt;
    if (!stored) log::warning("{}: update of \"{}\" is skipped", spec(), key);
    Result<void> done;
    if (stored) done = store(*stored, value);
    if (!backup_) return done;
    // What counts is the table that lasts.
    if (!done) log::warning("{}: {}", spec(), done.error().text);
    return backup_->update(key, value);
  }
  // Marks of a database file, nothing that is looked up.
  Result<void> update_plain(std::string_view key, std::string_view value) override {
    return backup_ ? backup_->update_plain(key, value) : Table::update_plain(key, value);
  }
  Result<bool> erase(std::string_view key) override {
    const auto prepared = prepared_key(key);
    const auto stored = prepared ? stored_key(*prepared) : std::nullopt;
    bool erased = false;
    if (stored) {
      auto reply = talk<std::string>(fmt::format("delete {}\r\n", *stored),
                                     [this](runtime::Stream& stream, Deadline until) {
                                       return read_line(stream, rules_.line_limit, until);
                                     });
      if (!reply && !backup_) return fail(std::move(reply.error()));
      erased = reply && *reply == "DELETED";
    }
    if (!backup_) return erased;
    auto behind = backup_->erase(key);
    if (!behind) return behind;
    return erased || *behind;
  }
  Result<std::unique_ptr<Cursor>> entries() override {
    return backup_ ? backup_->entries() : Table::entries();
  }
  Result<void> finish() override { return backup_ ? backup_->finish() : Table::finish(); }

 protected:
  Lookup find(std::string_view key) override {
    auto wanted = is_wanted(key);
    if (!wanted) return std::move(wanted.error());
    const auto stored = *wanted ? stored_key(key) : std::nullopt;
    if (stored) {
      auto value = talk<std::optional<std::string>>(
          fmt::format("get {}\r\n", *stored),
          [this](runtime::Stream& stream, Deadline until) { return read_value(stream, until); });
      if (value && *value) return std::move(**value);
      if (!value && !backup_) return std::move(value.error());
    }
    if (!backup_) return NotFound{};
    Lookup answer = backup_->query(key);
    if (const auto* value = std::get_if<std::string>(&answer); value != nullptr && stored)
      (void)store(*stored, *value);
    return answer;
  }

 private:
  Result<bool> is_wanted(std::string_view key) const {
    if (!rules_.has_domains) return true;
    const auto domain = domain_of_full_address(key);
    if (!domain) return false;
    return rules_.domains.matches(*domain);
  }
  // Keys with blanks or controls would become other commands: they are never sent.
  std::optional<std::string> stored_key(std::string_view key) const {
    auto stored = rules_.key.expand(key, {});
    if (!stored || stored->empty() || stored->size() > kKeyLimit) return std::nullopt;
    const bool is_bad = std::ranges::any_of(*stored, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte <= 32 || byte == 127;
    });
    if (is_bad) return std::nullopt;
    return stored;
  }
  template <class T>
  Result<T> talk(const std::string& request,
                 const std::function<Result<T>(runtime::Stream&, Deadline)>& read) {
    Result<T> last = fail(Failure{});
    for (long i = 0; i < rules_.tries; ++i) {
      if (i > 0 && runtime::sleep_for(rules_.pause) != runtime::Wake::timeout) break;
      last = pool_.ask<T>(
          [&](runtime::Stream& stream, Deadline until) -> Result<T> {
            if (auto sent = send(stream, request, until); !sent) return fail(std::move(sent.error()));
            return read(stream, until);
          },
          deadline_after(rules_.timeout));
      if (last) return last;
      const bool is_there = !last.error().text.starts_with("connect to ");
      log::warning("{}{}", is_there ? spec() + ": " : "", last.error().text);
      if (!is_there) break;  // nobody listens: no use to try again
    }
    return last;
  }
  Result<std::optional<std::string>> read_value(runtime::Stream& stream, Deadline deadline) const {
    auto line = read_line(stream, rules_.line_limit, deadline);
    if (!line) return fail(std::move(line.error()));
    if (*line == "END") return std::optional<std::string>{};
    const auto words = split_any(*line, " ");
    const auto size = words.size() >= 4 ? parse_int<std::size_t>(words[3]) : std::nullopt;
    if (words.empty() || words[0] != "VALUE" || !size || *size > rules_.data_limit)
      return fail(Failure::deferred("4.3.0", fmt::format("unexpected reply: {:.100}", *line)));
    auto data = read_bytes(stream, *size + 2, deadline);
    if (!data) return fail(std::move(data.error()));
    auto end = read_line(stream, rules_.line_limit, deadline);
    if (!end) return fail(std::move(end.error()));
    if (*end != "END") return fail(Failure::deferred("4.3.0", "unexpected reply"));
    data->resize(*size);
    return std::optional<std::string>(std::move(*data));
  }
  Result<void> store(const std::string& key, std::string_view value) {
    const std::string request =
        fmt::format("set {} {} {} {}\r\n{}\r\n", key, rules_.flags, rules_.ttl, value.size(), value);
    auto reply = talk<std::string>(request, [this](runtime::Stream& stream, Deadline until) {
      return read_line(stream, rules_.line_limit, until);
    });
    if (!reply) return fail(std::move(reply.error()));
    if (*reply != "STORED")
      return fail(Failure::deferred("4.3.0", fmt::format("update failed: {:.100}", *reply)));
    return {};
  }

  FileMark mark_;
  MemcacheRules rules_;
  StreamPool pool_;
  std::shared_ptr<Table> backup_;
};

}  // namespace

Opened open_memcache(Tables& tables, std::string_view name, Flag flags) {
  if (has(flags, Flag::no_untrusted))
    return fail(Failure::deferred(
        "4.3.5", fmt::format("memcache:{} is not allowed for security-sensitive data", name)));
  auto config = ClientConfig::load(tables, name);
  if (!config) return fail(std::move(config.error()));
  const auto endpoint = parse_endpoint(config->text("memcache", "inet:localhost:11211"), "11211");
  if (!endpoint) config->note_problem(fmt::format("memcache:{}: bad server in memcache = …", name));
  MemcacheRules rules;
  rules.key = config->query_template("query", config->text("key_format", "%s"));
  rules.flags = config->number("flags", 0, 0, 0xFFFFFFFF);
  rules.ttl = config->number("ttl", 3600, 0, 0x7FFFFFFF);
  rules.tries = config->number("max_try", 2, 1, 100);
  rules.pause = std::chrono::seconds(config->number("retry_pause", 1, 1, 100));
  rules.timeout = std::chrono::seconds(config->number("timeout", 2, 1, 3600));
  rules.line_limit = static_cast<std::size_t>(config->number("line_size_limit", 1024, 1, 1'000'000));
  rules.data_limit = static_cast<std::size_t>(config->number("data_size_limit", 10240, 1, 10'000'000));
  rules.has_domains = !config->text("domain").empty();
  if (rules.has_domains)
    rules.domains = MatchList(tables, fmt::format("memcache:{} domain", name), config->text("domain"),
                              {.kind = MatchList::Kind::string});
  if (auto checked = config->check(); !checked) return fail(std::move(checked.error()));
  std::shared_ptr<Table> backup;
  if (const auto spec = config->find("backup"); spec && !spec->empty()) {
    auto opened = tables.open_private(*spec, flags);
    if (!opened) return fail(std::move(opened.error()));
    backup = std::move(*opened);
  }
  return std::make_unique<MemcacheTable>(name, flags, config->mark(), std::move(rules), *endpoint,
                                         std::move(backup));
}

}  // namespace posthouse::table
