#include "lib/table/cdb/cdb_table.h"

#include <cdb.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "lib/table/bulk_builder.h"
#include "lib/table/database_file.h"
#include "lib/table/null_convention.h"

namespace posthouse::table {
namespace {

class CdbTable : public Table {
 public:
  CdbTable(std::string_view name, Flag flags, UniqueFd fd, const cdb& opened, unsigned owner)
      : Table("cdb", std::string(name), flags),
        fd_(std::move(fd)),
        cdb_(opened),
        mark_(fd_.get()),
        nulls_(flags, false),
        owner_(owner) {}
  ~CdbTable() override { ::cdb_free(&cdb_); }

  Result<std::unique_ptr<Cursor>> entries() override;
  bool is_changed() const override { return mark_.is_changed(fd_.get()); }
  std::optional<unsigned> owner() const override { return owner_; }

 protected:
  Lookup find(std::string_view key) override {
    std::string value;
    int failed = 0;
    const bool found = nulls_.first_hit(key, [&](std::string_view form) {
      const int got = ::cdb_find(&cdb_, form.data(), static_cast<unsigned>(form.size()));
      if (got < 0) failed = errno;
      const void* bytes = got > 0 ? cdb_getdata(&cdb_) : nullptr;
      if (bytes == nullptr) return false;
      value = NullConvention::stripped({static_cast<const char*>(bytes), cdb_datalen(&cdb_)});
      return true;
    });
    if (found) return value;
    if (failed != 0) return Failure::system("read database " + name() + ".cdb", failed);
    return NotFound{};
  }

 private:
  friend class CdbCursor;
  UniqueFd fd_;
  cdb cdb_;
  OpenFileMark mark_;
  NullConvention nulls_;
  unsigned owner_;
};

class CdbCursor : public Cursor {
 public:
  explicit CdbCursor(CdbTable& table) : table_(table) { cdb_seqinit(&position_, &table.cdb_); }
  Result<std::optional<Entry>> next() override {
    const int got = ::cdb_seqnext(&position_, &table_.cdb_);
    if (got == 0) return std::optional<Entry>{};
    if (got < 0) return fail(Failure::system("read database " + table_.name() + ".cdb", errno));
    const auto* key = static_cast<const char*>(cdb_getkey(&table_.cdb_));
    const auto* value = static_cast<const char*>(cdb_getdata(&table_.cdb_));
    if (key == nullptr || value == nullptr)
      return fail(Failure::deferred("4.3.0", "database " + table_.name() + ".cdb is damaged"));
    return Entry{std::string(NullConvention::stripped({key, cdb_keylen(&table_.cdb_)})),
                 std::string(NullConvention::stripped({value, cdb_datalen(&table_.cdb_)}))};
  }

 private:
  CdbTable& table_;
  unsigned position_ = 0;
};

Result<std::unique_ptr<Cursor>> CdbTable::entries() {
  return std::make_unique<CdbCursor>(*this);
}

Result<void> write_database(const std::string& path, const BulkEntries& entries) {
  auto replacement = Replacement::start(path, false);
  if (!replacement) return fail(std::move(replacement.error()));
  const auto trouble = [&] { return fail(Failure::system("write database " + path, errno)); };
  cdb_make make{};
  if (::cdb_make_start(&make, replacement->fd()) != 0) return trouble();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto [key, value] = entries[i];
    if (::cdb_make_add(&make, key.data(), static_cast<unsigned>(key.size()), value.data(),
                       static_cast<unsigned>(value.size())) != 0)
      return trouble();
  }
  if (::cdb_make_finish(&make) != 0) return trouble();
  return replacement->commit();
}

}  // namespace

Result<std::unique_ptr<Table>> open_cdb(Tables&, std::string_view name, Flag flags) {
  const std::string path = std::string(name) + ".cdb";
  if (has(flags, Flag::write)) {
    if (has(flags, Flag::truncate))
      return std::make_unique<BulkBuilder>("cdb", std::string(name), flags, path, std::string(name), false,
                                           write_database);
    return fail(Failure::deferred("4.3.5", fmt::format("cdb:{} map requires O_RDONLY access mode", name)));
  }
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return fail(cannot_open(path, errno));
  cdb opened{};
  if (::cdb_init(&opened, fd.get()) != 0) return fail(cannot_open(path, errno));
  warn_if_older(path, status, std::string(name));
  return std::make_unique<CdbTable>(name, flags, std::move(fd), opened, status.st_uid);
}

}  // namespace posthouse::table
