// Builds an index file from many entries: collects them in memory, sorts, and writes a whole new file that
// replaces the old one at the end.
//
// Used by postmap and postalias for every type that can be created. Duplicates are found while entries come,
// so that warnings keep the order of the source. Peak memory: the entries plus about 30 bytes each.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "lib/table/table.h"

namespace posthouse::table {

// All entries as they are to be stored (with NUL where that is the convention), sorted by key bytes.
class BulkEntries {
 public:
  struct View {
    std::string_view key, value;
  };
  BulkEntries();
  BulkEntries(const BulkEntries&) = delete;
  BulkEntries& operator=(const BulkEntries&) = delete;

  // False if the key was there; it is replaced if `replace`.
  bool add(std::string_view key, std::string_view value, bool replace);
  void sort();
  std::size_t size() const { return places_.size(); }
  std::size_t bytes() const { return text_.size(); }
  View operator[](std::size_t i) const { return view(places_[i]); }

 private:
  struct Place {
    std::size_t offset;
    std::uint32_t key_size, value_size;
  };
  struct Hash {
    const BulkEntries* owner;
    std::size_t operator()(std::uint32_t index) const;
  };
  struct Equal {
    const BulkEntries* owner;
    bool operator()(std::uint32_t a, std::uint32_t b) const;
  };
  View view(const Place& place) const {
    const std::string_view text(text_);
    return {text.substr(place.offset, place.key_size),
            text.substr(place.offset + place.key_size, place.value_size)};
  }

  std::string text_;
  std::vector<Place> places_;
  std::unordered_set<std::uint32_t, Hash, Equal> index_;
};

// Writes the file at `path` (whole, then commits it in place); in the type's own library.
using BulkWriter = Result<void> (*)(const std::string& path, const BulkEntries& entries);

class BulkBuilder : public Table {
 public:
  // `path` is the index file, `title` its name in warnings about duplicates (each type has its own way); NUL
  // convention as the type's unless the flags say otherwise.
  BulkBuilder(std::string type, std::string name, Flag flags, std::string path, std::string title,
              bool type_writes_null, BulkWriter writer);

  Result<void> update(std::string_view key, std::string_view value) override;
  Result<void> update_plain(std::string_view key, std::string_view value) override;
  Result<void> finish() override;

 protected:
  Lookup find(std::string_view key) override;

 private:
  std::string path_, title_;
  bool writes_null_;
  BulkWriter writer_;
  BulkEntries entries_;
};

}  // namespace posthouse::table
