#include "lib/table/lmdb/lmdb_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/log/log.h"
#include "lib/table/bulk_builder.h"
#include "lib/table/database_file.h"
#include "lib/table/lmdb/environment.h"
#include "lib/table/memory_table.h"
#include "lib/table/null_convention.h"

namespace posthouse::table {
namespace {

class LmdbTable : public Table {
 public:
  LmdbTable(std::string_view name, Flag flags, std::unique_ptr<Environment> environment, unsigned owner)
      : Table("lmdb", std::string(name), flags),
        environment_(std::move(environment)),
        mark_(environment_->fd()),
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
    return put(*prepared, stored, has(flags(), Flag::duplicate_replace) || has(flags(), Flag::open_lock));
  }
  Result<void> update_plain(std::string_view key, std::string_view value) override {
    return put(key, value, true);
  }

  Result<bool> erase(std::string_view key) override {
    const auto prepared = prepared_key(key);
    if (!prepared) return false;
    int failed = 0;
    const bool found = nulls_.first_hit(*prepared, [&](std::string_view form) {
      const int error = environment_->write(
          [&](MDB_txn* txn, MDB_dbi database) {
            MDB_val val = to_val(form);
            return mdb_del(txn, database, &val, nullptr);
          },
          false);
      if (error != 0 && error != MDB_NOTFOUND) failed = error;
      return error == 0;
    });
    if (failed != 0) return fail(trouble("delete", failed));
    return found;
  }

  Result<std::unique_ptr<Cursor>> entries() override;
  Result<void> finish() override {
    if (const int error = environment_->sync()) return fail(trouble("write", error));
    return {};
  }
  bool is_changed() const override {
    return !has(flags(), Flag::write) && mark_.is_changed(environment_->fd());
  }
  std::optional<unsigned> owner() const override { return owner_; }

 protected:
  Lookup find(std::string_view key) override {
    std::string value;
    int failed = 0;
    const bool found = nulls_.first_hit(key, [&](std::string_view form) {
      const int error = environment_->read([&](MDB_txn* txn, MDB_dbi database) {
        MDB_val key_val = to_val(form), answer{};
        const int got = mdb_get(txn, database, &key_val, &answer);
        if (got == 0) value = NullConvention::stripped(to_view(answer));
        return got;
      });
      if (error != 0 && error != MDB_NOTFOUND) failed = error;
      return error == 0;
    });
    if (failed != 0) return trouble("read", failed);
    if (!found) return NotFound{};
    return value;
  }

 private:
  friend class LmdbCursor;
  Failure trouble(std::string_view what, int error) const {
    return Failure::deferred("4.3.0",
                             fmt::format("{} database {}.lmdb: {}", what, name(), mdb_strerror(error)));
  }
  Result<void> put(std::string_view key, std::string_view value, bool replace) {
    const int error = environment_->write(
        [&](MDB_txn* txn, MDB_dbi database) {
          MDB_val key_val = to_val(key), value_val = to_val(value);
          return mdb_put(txn, database, &key_val, &value_val, replace ? 0U : MDB_NOOVERWRITE);
        },
        false);
    if (error == MDB_KEYEXIST) {
      if (!has(flags(), Flag::duplicate_ignore))
        log::warning("lmdb:{}: duplicate entry: \"{}\"", name(), NullConvention::stripped(key));
      return {};
    }
    if (error != 0) return fail(trouble("write", error));
    return {};
  }

  std::unique_ptr<Environment> environment_;
  OpenFileMark mark_;
  NullConvention nulls_;
  unsigned owner_;
};

// Each step is a transaction of its own that goes on behind the last key: entries may come and go meanwhile.
class LmdbCursor : public Cursor {
 public:
  explicit LmdbCursor(LmdbTable& table) : table_(table) {}
  Result<std::optional<Entry>> next() override {
    std::optional<Entry> entry;
    const int error =
        table_.environment_->read([&](MDB_txn* txn, MDB_dbi database) { return step(txn, database, entry); });
    if (error == MDB_NOTFOUND) return std::optional<Entry>{};
    if (error != 0) return fail(table_.trouble("read", error));
    return entry;
  }

 private:
  int step(MDB_txn* txn, MDB_dbi database, std::optional<Entry>& entry) {
    MDB_cursor* cursor = nullptr;
    if (const int error = mdb_cursor_open(txn, database, &cursor)) return error;
    MDB_val key = to_val(last_), value{};
    int error = mdb_cursor_get(cursor, &key, &value, started_ ? MDB_SET_RANGE : MDB_FIRST);
    if (error == 0 && started_ && to_view(key) == last_)
      error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    if (error == 0) {
      started_ = true;
      last_ = to_view(key);
      entry = Entry{std::string(NullConvention::stripped(last_)),
                    std::string(NullConvention::stripped(to_view(value)))};
    }
    mdb_cursor_close(cursor);
    return error;
  }

  LmdbTable& table_;
  std::string last_;
  bool started_ = false;
};

Result<std::unique_ptr<Cursor>> LmdbTable::entries() {
  return std::make_unique<LmdbCursor>(*this);
}

Result<void> write_database(const std::string& path, const BulkEntries& entries) {
  constexpr std::size_t kLeastMap = 16 * 1024 * 1024;
  auto replacement = Replacement::start(path, true);
  if (!replacement) return fail(std::move(replacement.error()));
  {
    auto environment =
        Environment::open(replacement->path(), true, true, std::max(kLeastMap, entries.bytes() * 2));
    if (!environment) return fail(std::move(environment.error()));
    const int error = (*environment)
                          ->write(
                              [&](MDB_txn* txn, MDB_dbi database) {
                                for (std::size_t i = 0; i < entries.size(); ++i) {
                                  MDB_val key = to_val(entries[i].key), value = to_val(entries[i].value);
                                  if (const int put = mdb_put(txn, database, &key, &value, MDB_APPEND))
                                    return put;
                                }
                                return 0;
                              },
                              true);
    if (error != 0)
      return fail(
          Failure::deferred("4.3.0", fmt::format("write database {}: {}", path, mdb_strerror(error))));
  }
  return replacement->commit();
}

}  // namespace

Result<std::unique_ptr<Table>> open_lmdb(Tables& tables, std::string_view name, Flag flags) {
  if (has(flags, Flag::trial)) return std::make_unique<MemoryTable>("lmdb", std::string(name), flags);
  const std::string path = std::string(name) + ".lmdb";
  if (has(flags, Flag::bulk) && has(flags, Flag::truncate))
    return std::make_unique<BulkBuilder>("lmdb", std::string(name), flags, path, "lmdb:" + std::string(name),
                                         true, write_database);
  if (has(flags, Flag::truncate)) ::unlink(path.c_str());
  const bool write = has(flags, Flag::write);
  auto environment = Environment::open(path, write, write, tables.settings().lmdb_map_size);
  if (!environment) return fail(std::move(environment.error()));
  // A cache is no exception among readers and writers: hosts may share it, and postmap may look into it.
  if (has(flags, Flag::open_lock)) (*environment)->defer_sync();
  struct stat status {};
  ::fstat((*environment)->fd(), &status);
  if (!write) warn_if_older(path, status, std::string(name));
  return std::make_unique<LmdbTable>(name, flags, std::move(*environment), status.st_uid);
}

}  // namespace posthouse::table
