// One lookup table, `type:name`, with three outcomes: found, not found, failed.
//
// lookup() never makes trouble look like "not found": an unreachable server, an unreadable file, an
// empty value, or a value that is not UTF-8 while SMTPUTF8 is on are Failures (defer, 4.3.0), already
// logged with the detail that is not for the peer. An empty or non-UTF-8 key is NotFound without a query, and
// so is one with a NUL except for patterns (and the empty one for patterns with Flag::empty_key).
//
// Tables with may_wait() suspend the fiber in lookup(); others answer at once, except that an index file
// waits while another program has locked it for a change (turn_lock.h). Hold no reference into shared state
// across a lookup. Tables belong to one process and thread (worker threads are used inside only) and are
// shared between its sessions. Opened by Tables (tables.h), searched in order by TableList (table_list.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/failure.h"

namespace posthouse::table {

// How a table is opened; combined with |.
enum class Flag : unsigned {
  none = 0,
  fold_fixed = 1 << 0,          // lower-case the key for fixed-string tables
  fold_pattern = 1 << 1,        // lower-case the key for pattern tables
  utf8 = 1 << 2,                // keys and values must be UTF-8; folding is full Unicode
  no_substitution = 1 << 3,     // refuse $number in pattern tables (security-sensitive tables)
  no_untrusted = 1 << 4,        // refuse table types whose content is not under our control (tcp, …)
  write = 1 << 5,               // update/erase/iterate on an existing or new table
  truncate = 1 << 6,            // with write: start empty
  open_lock = 1 << 7,           // a cache: Berkeley files are locked for the life of the handle
  try_null = 1 << 8,            // stored keys and values end with NUL
  try_plain = 1 << 9,           // stored keys and values have no NUL (neither flag: the type's convention)
  source_owner = 1 << 10,       // with write: created with the rights of the source file's owner
  duplicate_replace = 1 << 11,  // with write: last one wins (postmap -r)
  duplicate_ignore = 1 << 12,   // with write: first one wins silently (postmap -w)
  base64_file = 1 << 13,        // values are file names whose content counts (postmap -F)
  bulk = 1 << 14,               // with write: no durability needed until close (postmap builds)
  mime = 1 << 15,               // pattern tables: informational, "header checks" modes of postmap
  trial = 1 << 16,              // with write: an index file is not touched, an empty table stands for it
  empty_key = 1 << 17,          // patterns are asked for the empty key, too: an empty line of a protocol
};
constexpr Flag operator|(Flag a, Flag b) {
  return static_cast<Flag>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Flag operator&(Flag a, Flag b) {
  return static_cast<Flag>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr Flag operator~(Flag a) {
  return static_cast<Flag>(~static_cast<unsigned>(a));
}
constexpr bool has(Flag flags, Flag wanted) {
  return (flags & wanted) != Flag::none;
}

// What daemons normally want for mail address and domain tables.
inline constexpr Flag kLookupFlags = Flag::fold_fixed | Flag::utf8;

struct Entry {
  std::string key;
  std::string value;
};

// Walks all entries in the engine's order. Entries may be updated or erased while it stands.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual Result<std::optional<Entry>> next() = 0;
};

class Table {
 public:
  Table(std::string type, std::string name, Flag flags);
  virtual ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // One query with the complete key as given (folding as the flags say).
  Lookup lookup(std::string_view key);
  // The same, but an empty value is a value and failures are not logged: for caches and for postmap -q.
  Lookup query(std::string_view key);

  // Stores or replaces (honouring duplicate_*); erase() tells whether there was something to erase.
  // Types that cannot: Failure "table TYPE:NAME: update operation is not supported".
  virtual Result<void> update(std::string_view key, std::string_view value);
  virtual Result<bool> erase(std::string_view key);
  // Stores exactly these bytes: no folding, no trailing NUL, last one wins (YP_ entries of alias databases).
  virtual Result<void> update_plain(std::string_view key, std::string_view value);
  virtual Result<std::unique_ptr<Cursor>> entries();
  // Makes everything durable and visible (a cdb appears only now). Called once, at the end of a build.
  virtual Result<void> finish();

  // Pattern tables (regexp, pcre, cidr, tcp, …) get the complete string only: never ask for parts of
  // an address or for parent domains.
  virtual bool is_pattern() const { return false; }
  // Lookups usually suspend the fiber: there is a server to ask.
  virtual bool may_wait() const { return false; }
  // The file behind the table was replaced or edited since it was opened: finish the sessions, then
  // exit so that master starts a fresh process.
  virtual bool is_changed() const { return false; }

  const std::string& type() const { return type_; }
  const std::string& name() const { return name_; }
  std::string spec() const { return type_ + ":" + name_; }  // "hash:/etc/aliases"
  // As in the log line about a changed table: "hash:/etc/aliases(0,lock|fold_fix)".
  std::string registered_name() const;
  Flag flags() const { return flags_; }
  // User id that owns the content, for alias commands (0 = root or unknown-but-trusted).
  virtual std::optional<unsigned> owner() const { return 0; }

 protected:
  // The query itself; `key` is folded, not empty except for patterns with Flag::empty_key, and valid UTF-8 if
  // the flags ask for that.
  virtual Lookup find(std::string_view key) = 0;
  // Folds and validates; nothing if no query should be made.
  std::optional<std::string> prepared_key(std::string_view key) const;

 private:
  std::string type_;
  std::string name_;
  Flag flags_;
};

}  // namespace posthouse::table
