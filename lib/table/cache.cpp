#include "lib/table/cache.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/runtime/fiber.h"

namespace posthouse::table {

Cache::Cache(std::unique_ptr<Table> table, std::string title, const Clock& clock)
    : table_(std::move(table)), title_(std::move(title)), clock_(clock) {}

Lookup Cache::lookup(std::string_view key) {
  if (!condemned_.empty() && key == condemned_) return NotFound{};
  return table_->query(key);
}

Result<void> Cache::update(std::string_view key, std::string_view value) {
  if (key == condemned_) condemned_.clear();
  is_dirty_ = true;
  return table_->update(key, value);
}

Result<bool> Cache::erase(std::string_view key) {
  if (key == condemned_) condemned_.clear();
  is_dirty_ = true;
  return table_->erase(key);
}

std::optional<Entry> Cache::next_entry(Cursor& cursor) {
  auto entry = cursor.next();
  if (!entry) {
    log::warning("cache {} sequence error: {}", title_, entry.error().text);
    return std::nullopt;
  }
  return std::move(*entry);
}

void Cache::clean(const Validator& keeps) {
  auto cursor = table_->entries();
  if (!cursor) return log::warning("cache {} cleanup: {}", title_, cursor.error().text);
  std::size_t retained = 0, dropped = 0;
  const auto delete_behind = [&] {
    if (condemned_.empty()) return;
    const std::string key = std::exchange(condemned_, {});
    auto erased = erase(key);
    if (!erased) log::warning("cache {} could not delete entry for {}", title_, key);
  };
  bool is_whole = true;
  for (auto entry = next_entry(**cursor); entry; entry = next_entry(**cursor)) {
    delete_behind();
    if (entry->key != kCleaningKey) {
      const bool keep = keeps(entry->key, entry->value);
      if (!keep) condemned_ = entry->key;
      ++(keep ? retained : dropped);
    }
    if (runtime::is_cancelled()) {
      is_whole = false;
      break;
    }
    runtime::yield();
  }
  delete_behind();
  log::info("cache {} {} cleanup: retained={} dropped={} entries", title_, is_whole ? "full" : "partial",
            retained, dropped);
  if (is_whole) (void)update(kCleaningKey, std::to_string(unix_seconds(clock_.now())));
}

Time Cache::next_cleaning(std::chrono::seconds interval) {
  const Time now = clock_.now();
  Lookup last = table_->query(kCleaningKey);
  const auto* text = std::get_if<std::string>(&last);
  const auto seconds = text ? parse_int<std::int64_t>(*text) : std::nullopt;
  if (!seconds || time_from_unix(*seconds) > now) return now;
  return std::max(now, time_from_unix(*seconds) + interval);
}

void Cache::keep_clean(std::chrono::seconds interval, const Validator& keeps) {
  if (interval.count() == 0) return;
  while (!runtime::is_cancelled()) {
    const auto wait = next_cleaning(interval) - clock_.now();
    if (runtime::sleep_for(std::chrono::duration_cast<Duration>(wait)) == runtime::Wake::cancelled) return;
    clean(keeps);
    // A table that cannot be walked has no time of the last walk.
    if (runtime::sleep_for(std::chrono::seconds(1)) == runtime::Wake::cancelled) return;
    if (next_cleaning(interval) <= clock_.now() && runtime::sleep_for(interval) == runtime::Wake::cancelled)
      return;
  }
}

void Cache::sync() {
  if (!std::exchange(is_dirty_, false)) return;
  if (auto synced = table_->finish(); !synced) log::warning("cache {}: {}", title_, synced.error().text);
}

}  // namespace posthouse::table
