#include "lib/table/memory_table.h"

namespace posthouse::table {
namespace {

// A snapshot: the table may change while it is walked.
class SnapshotCursor : public Cursor {
 public:
  explicit SnapshotCursor(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  Result<std::optional<Entry>> next() override {
    if (position_ == entries_.size()) return std::optional<Entry>{};
    return std::optional<Entry>(std::move(entries_[position_++]));
  }

 private:
  std::vector<Entry> entries_;
  std::size_t position_ = 0;
};

}  // namespace

bool MemoryTable::add(std::string_view key, std::string_view value) {
  const auto prepared = prepared_key(key);
  return prepared && entries_.emplace(*prepared, std::string(value)).second;
}

Lookup MemoryTable::find(std::string_view key) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return NotFound{};
  return entry->second;
}

Result<void> MemoryTable::update(std::string_view key, std::string_view value) {
  if (const auto prepared = prepared_key(key)) entries_[*prepared] = value;
  return {};
}

Result<bool> MemoryTable::erase(std::string_view key) {
  const auto prepared = prepared_key(key);
  return prepared && entries_.erase(*prepared) > 0;
}

Result<std::unique_ptr<Cursor>> MemoryTable::entries() {
  std::vector<Entry> snapshot;
  snapshot.reserve(entries_.size());
  for (const auto& [key, value] : entries_) snapshot.push_back({key, value});
  return std::make_unique<SnapshotCursor>(std::move(snapshot));
}

}  // namespace posthouse::table
