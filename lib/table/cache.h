// A table that one daemon keeps for itself (verify, postscreen): lookups, updates, and a periodic walk that
// drops what has expired.
//
// The walk takes one entry per loop turn, starts when the last one is `interval` ago (the time is kept in
// the table under _LAST_CACHE_CLEANUP_COMPLETED_), deletes an entry only after it has gone past it, and not
// if it is updated meanwhile; until then the entry is reported as not found. Berkeley files are locked for
// the life of the process; others may be shared. Use one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/table/table.h"

namespace posthouse::table {

// How a cache table is opened.
inline constexpr Flag kCacheFlags = Flag::write | Flag::duplicate_replace | Flag::open_lock | Flag::utf8;

class Cache {
 public:
  using Validator = std::function<bool(std::string_view key, std::string_view value)>;

  // `title` as the log shows it: "btree:/var/lib/postfix/verify_cache".
  Cache(std::unique_ptr<Table> table, std::string title, const Clock& clock = Clock::system());

  // May wait as the table does.
  Lookup lookup(std::string_view key);
  Result<void> update(std::string_view key, std::string_view value);
  Result<bool> erase(std::string_view key);

  // Walks once. May wait; returns early when the fiber is cancelled (a partial walk is logged as such).
  void clean(const Validator& keeps);
  // When the next walk is due: the last one + interval; at once if there was none or it lies in the future.
  Time next_cleaning(std::chrono::seconds interval);
  // Walks whenever it is due, until cancelled. For a fiber of its own; nothing to do if interval is 0.
  void keep_clean(std::chrono::seconds interval, const Validator& keeps);
  // Writes out what update() left in memory; cheap if nothing is.
  void sync();

  static constexpr std::string_view kCleaningKey = "_LAST_CACHE_CLEANUP_COMPLETED_";

 private:
  std::optional<Entry> next_entry(Cursor& cursor);

  std::unique_ptr<Table> table_;
  std::string title_;
  const Clock& clock_;
  std::string condemned_;  // to be deleted when the walk has gone on
  bool is_dirty_ = false;
};

}  // namespace posthouse::table
