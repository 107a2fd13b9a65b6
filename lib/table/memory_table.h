// Keys and values in memory: what texthash:, inline: and environ: are after reading.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "lib/table/file_text.h"
#include "lib/table/table.h"

namespace posthouse::table {

class MemoryTable : public Table {
 public:
  MemoryTable(std::string type, std::string name, Flag flags, FileMark mark = {})
      : Table(std::move(type), std::move(name), flags), mark_(std::move(mark)) {}

  // Folds as the flags say. False if the key is there already (nothing is changed).
  bool add(std::string_view key, std::string_view value);

  Result<void> update(std::string_view key, std::string_view value) override;
  Result<bool> erase(std::string_view key) override;
  Result<std::unique_ptr<Cursor>> entries() override;
  bool is_changed() const override { return mark_.is_changed(); }
  std::optional<unsigned> owner() const override { return mark_.owner(); }

 protected:
  Lookup find(std::string_view key) override;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> entries_;
  FileMark mark_;
};

}  // namespace posthouse::table
