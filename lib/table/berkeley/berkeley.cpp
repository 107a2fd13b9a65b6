#include "lib/table/berkeley/berkeley.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "lib/log/log.h"
#include "lib/table/berkeley/database.h"
#include "lib/table/bulk_builder.h"
#include "lib/table/database_file.h"
#include "lib/table/memory_table.h"
#include "lib/table/null_convention.h"
#include "lib/table/turn_lock.h"

namespace posthouse::table {
namespace {

constexpr std::size_t kBuildCache = 256 * 1024 * 1024;

// The lock other programs expect around a change; nothing if it is held for the handle's life. May wait.
class ChangeLock {
 public:
  ChangeLock(int fd, TurnLock& shared, bool is_held) : fd_(is_held ? -1 : fd) {
    if (fd_ < 0) return;
    ok_ = wait_for_lock([&] {
      shared.drop();
      return lock_file(fd_, LOCK_EX | LOCK_NB);
    });
  }
  ~ChangeLock() {
    if (fd_ >= 0 && ok_) lock_file(fd_, LOCK_UN);
  }
  ChangeLock(const ChangeLock&) = delete;
  ChangeLock& operator=(const ChangeLock&) = delete;
  bool is_held() const { return ok_; }

 private:
  int fd_;
  bool ok_ = true;
};

struct CloseCursor {
  void operator()(DBC* cursor) const { cursor->close(cursor); }
};

class BerkeleyTable : public Table {
 public:
  BerkeleyTable(std::string type, std::string_view name, Flag flags, UniqueFd fd, Database db, unsigned owner)
      : Table(std::move(type), std::string(name), flags),
        fd_(std::move(fd)),
        db_(std::move(db)),
        mark_(fd_.get()),
        turn_([lock = fd_.get()] { return lock_file(lock, LOCK_SH | LOCK_NB); },
              [lock = fd_.get()] { lock_file(lock, LOCK_UN); }),
        nulls_(flags, true),
        owner_(owner) {}

  Result<void> update(std::string_view key, std::string_view value) override {
    auto prepared = prepared_key(key);
    if (!prepared) return {};
    std::string stored(value);
    if (nulls_.writes_null()) {
      prepared->push_back('\0');
      stored.push_back('\0');
    }
    return put(*prepared, stored, has(flags(), Flag::duplicate_replace) || is_cache());
  }
  Result<void> update_plain(std::string_view key, std::string_view value) override {
    return put(key, value, true);
  }

  Result<bool> erase(std::string_view key) override {
    const auto prepared = prepared_key(key);
    if (!prepared) return false;
    ChangeLock lock(fd_.get(), turn_, holds_lock());
    if (!lock.is_held()) return fail(trouble("lock", errno));
    int failed = 0;
    const bool found = nulls_.first_hit(*prepared, [&](std::string_view form) {
      DBT dbt = to_dbt(form);
      const int error = db_->del(db_.get(), nullptr, &dbt, 0);
      if (error != 0 && error != DB_NOTFOUND) failed = error;
      return error == 0;
    });
    if (failed != 0) return fail(trouble("delete", failed));
    if (found && !is_cache()) db_->sync(db_.get(), 0);
    return found;
  }

  Result<std::unique_ptr<Cursor>> entries() override;
  Result<void> finish() override {
    if (const int error = db_->sync(db_.get(), 0)) return fail(trouble("write", error));
    return {};
  }
  // A writer changes the file itself, and holds the data it wrote.
  bool is_changed() const override { return !has(flags(), Flag::write) && mark_.is_changed(fd_.get()); }
  std::optional<unsigned> owner() const override { return owner_; }

 protected:
  Lookup find(std::string_view key) override {
    if (!hold_shared_lock()) return trouble("lock", errno);
    std::string value;
    int failed = 0;
    const bool found = nulls_.first_hit(key, [&](std::string_view form) {
      DBT dbt = to_dbt(form);
      DBT answer{};
      const int error = db_->get(db_.get(), nullptr, &dbt, &answer, 0);
      if (error == 0)
        value = NullConvention::stripped(to_view(answer));
      else if (error != DB_NOTFOUND)
        failed = error;
      return error == 0;
    });
    if (failed != 0) return trouble("read", failed);
    if (!found) return NotFound{};
    return value;
  }

 private:
  friend class BerkeleyCursor;
  bool holds_lock() const { return has(flags(), Flag::open_lock); }
  bool hold_shared_lock() { return holds_lock() || turn_.hold(); }
  bool is_cache() const { return holds_lock(); }
  Failure trouble(std::string_view what, int error) const {
    return Failure::deferred("4.3.0", fmt::format("{} database {}.db: {}", what, name(), db_strerror(error)));
  }
  Result<void> put(std::string_view key, std::string_view value, bool replace) {
    ChangeLock lock(fd_.get(), turn_, holds_lock());
    if (!lock.is_held()) return fail(trouble("lock", errno));
    DBT key_dbt = to_dbt(key), value_dbt = to_dbt(value);
    const int error = db_->put(db_.get(), nullptr, &key_dbt, &value_dbt, replace ? 0 : DB_NOOVERWRITE);
    if (error == DB_KEYEXIST) {
      if (!has(flags(), Flag::duplicate_ignore))
        log::warning("{}.db: duplicate entry: \"{}\"", name(), NullConvention::stripped(key));
      return {};
    }
    if (error != 0) return fail(trouble("write", error));
    if (!has(flags(), Flag::bulk) && !is_cache()) db_->sync(db_.get(), 0);
    return {};
  }

  UniqueFd fd_;
  Database db_;
  OpenFileMark mark_;
  TurnLock turn_;
  NullConvention nulls_;
  unsigned owner_;
};

class BerkeleyCursor : public Cursor {
 public:
  BerkeleyCursor(BerkeleyTable& table, DBC* cursor) : table_(table), cursor_(cursor) {}
  Result<std::optional<Entry>> next() override {
    if (!table_.hold_shared_lock()) return fail(table_.trouble("lock", errno));
    DBT key{}, value{};
    const int error = cursor_->get(cursor_.get(), &key, &value, DB_NEXT);
    if (error == DB_NOTFOUND) return std::optional<Entry>{};
    if (error != 0) return fail(table_.trouble("read", error));
    return Entry{std::string(NullConvention::stripped(to_view(key))),
                 std::string(NullConvention::stripped(to_view(value)))};
  }

 private:
  BerkeleyTable& table_;
  std::unique_ptr<DBC, CloseCursor> cursor_;
};

Result<std::unique_ptr<Cursor>> BerkeleyTable::entries() {
  DBC* cursor = nullptr;
  if (const int error = db_->cursor(db_.get(), nullptr, &cursor, 0)) return fail(trouble("read", error));
  return std::make_unique<BerkeleyCursor>(*this, cursor);
}

template <DBTYPE kType>
Result<void> write_database(const std::string& path, const BulkEntries& entries) {
  auto replacement = Replacement::start(path, true);
  if (!replacement) return fail(std::move(replacement.error()));
  auto db = open_database(replacement->path(), kType, DB_CREATE | DB_TRUNCATE, kBuildCache, entries.size());
  if (!db) return fail(std::move(db.error()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    DBT key = to_dbt(entries[i].key), value = to_dbt(entries[i].value);
    if (const int error = (*db)->put(db->get(), nullptr, &key, &value, 0))
      return fail(Failure::deferred("4.3.0", fmt::format("write database {}: {}", path, db_strerror(error))));
  }
  DB* last = db->release();
  if (const int error = last->close(last, 0))
    return fail(Failure::deferred("4.3.0", fmt::format("write database {}: {}", path, db_strerror(error))));
  return replacement->commit();
}

// A database that is read, or updated in place (postmap -i, caches).
Result<std::unique_ptr<Table>> open_existing(Tables& tables, std::string type, std::string_view name,
                                             Flag flags, DBTYPE db_type) {
  const std::string path = std::string(name) + ".db";
  const bool write = has(flags, Flag::write);
  UniqueFd fd(::open(path.c_str(), (write ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  struct stat status {};
  if (fd && ::fstat(fd.get(), &status) != 0) return fail(cannot_open(path, errno));
  if (fd && status.st_size == 0 && write) fd.reset();  // left by a crash while it was created
  if (!fd && write) {
    ::unlink(path.c_str());
    auto made = open_database(path, db_type, DB_CREATE, tables.settings().berkeley_create_buffer);
    if (!made) return fail(std::move(made.error()));
    made->reset();
    fd.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  }
  if (!fd) return fail(cannot_open(path, errno));
  const bool keeps_lock = has(flags, Flag::open_lock);
  const TryLock try_lock = [&] { return lock_file(fd.get(), (write ? LOCK_EX : LOCK_SH) | LOCK_NB); };
  bool is_locked = try_lock();
  if (!is_locked && errno == EWOULDBLOCK && !keeps_lock) {
    log::warning("{}: waiting for its lock, which another process holds", path);
    is_locked = wait_for_lock(try_lock);
  }
  if (!is_locked)
    return fail(cannot_open(
        path, fmt::format("unable to set {} lock: {}", write ? "exclusive" : "shared", error_text(errno))));
  // Only now: a program that builds in place begins with an empty file.
  if (::fstat(fd.get(), &status) != 0) return fail(cannot_open(path, errno));
  if (status.st_size == 0) return fail(cannot_open(path, "unexpected zero-size file"));
  auto db = open_database(
      path, db_type, write ? 0 : DB_RDONLY,
      write ? tables.settings().berkeley_create_buffer : tables.settings().berkeley_read_buffer);
  if (!keeps_lock) lock_file(fd.get(), LOCK_UN);
  if (!db) return fail(std::move(db.error()));
  if (!write) warn_if_older(path, status, std::string(name));
  return std::make_unique<BerkeleyTable>(std::move(type), name, flags, std::move(fd), std::move(*db),
                                         status.st_uid);
}

template <DBTYPE kType>
Result<std::unique_ptr<Table>> open_type(Tables& tables, std::string type, std::string_view name,
                                         Flag flags) {
  if (has(flags, Flag::trial))
    return std::make_unique<MemoryTable>(std::move(type), std::string(name), flags);
  if (has(flags, Flag::bulk) && has(flags, Flag::truncate))
    return std::make_unique<BulkBuilder>(std::move(type), std::string(name), flags, std::string(name) + ".db",
                                         std::string(name) + ".db", true, write_database<kType>);
  if (has(flags, Flag::truncate)) ::unlink((std::string(name) + ".db").c_str());
  return open_existing(tables, std::move(type), name, flags, kType);
}

}  // namespace

Result<std::unique_ptr<Table>> open_hash(Tables& tables, std::string_view name, Flag flags) {
  return open_type<DB_HASH>(tables, "hash", name, flags);
}

Result<std::unique_ptr<Table>> open_btree(Tables& tables, std::string_view name, Flag flags) {
  return open_type<DB_BTREE>(tables, "btree", name, flags);
}

}  // namespace posthouse::table
