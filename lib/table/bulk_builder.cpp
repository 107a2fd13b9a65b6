#include "lib/table/bulk_builder.h"

#include <algorithm>
#include <functional>

#include "lib/log/log.h"
#include "lib/table/null_convention.h"

namespace posthouse::table {

BulkEntries::BulkEntries() : index_(1024, Hash{this}, Equal{this}) {}

std::size_t BulkEntries::Hash::operator()(std::uint32_t index) const {
  return std::hash<std::string_view>{}((*owner)[index].key);
}

bool BulkEntries::Equal::operator()(std::uint32_t a, std::uint32_t b) const {
  return (*owner)[a].key == (*owner)[b].key;
}

bool BulkEntries::add(std::string_view key, std::string_view value, bool replace) {
  const auto index = static_cast<std::uint32_t>(places_.size());
  places_.push_back(
      {text_.size(), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())});
  text_.append(key).append(value);
  const auto [known, is_new] = index_.insert(index);
  if (is_new) return true;
  if (replace) {
    places_[*known] = places_.back();
  } else {
    text_.resize(places_.back().offset);
  }
  places_.pop_back();
  return false;
}

void BulkEntries::sort() {
  index_.clear();  // holds positions
  std::sort(places_.begin(), places_.end(),
            [this](const Place& a, const Place& b) { return view(a).key < view(b).key; });
}

BulkBuilder::BulkBuilder(std::string type, std::string name, Flag flags, std::string path, std::string title,
                         bool type_writes_null, BulkWriter writer)
    : Table(std::move(type), std::move(name), flags),
      path_(std::move(path)),
      title_(std::move(title)),
      writes_null_(NullConvention(flags, type_writes_null).writes_null()),
      writer_(writer) {}

Result<void> BulkBuilder::update(std::string_view key, std::string_view value) {
  auto prepared = prepared_key(key);
  if (!prepared) return {};
  std::string stored(value);
  if (writes_null_) {
    prepared->push_back('\0');
    stored.push_back('\0');
  }
  const bool replace = has(flags(), Flag::duplicate_replace);
  if (!entries_.add(*prepared, stored, replace) && !replace && !has(flags(), Flag::duplicate_ignore))
    log::warning("{}: duplicate entry: \"{}\"", title_, NullConvention::stripped(*prepared));
  return {};
}

Result<void> BulkBuilder::update_plain(std::string_view key, std::string_view value) {
  entries_.add(key, value, true);
  return {};
}

Result<void> BulkBuilder::finish() {
  entries_.sort();
  return writer_(path_, entries_);
}

Lookup BulkBuilder::find(std::string_view) {
  return Failure::deferred("4.3.0", "database is being built");
}

}  // namespace posthouse::table
