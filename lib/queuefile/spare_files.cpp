#include "lib/queuefile/spare_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "lib/base/text.h"

namespace posthouse::queuefile {
namespace {

// New files that are made before an empty directory is read again.
constexpr int kPause = 8;
// Names that turned out to be gone before we do without.
constexpr int kAttempts = 3;

std::string spare_path(std::string_view name) {
  return fmt::format("{}/{}", queue::kSpare, name);
}

QueueId new_id(bool is_long, Time now, std::uint64_t inode) {
  return is_long ? QueueId::make_long(now, inode) : QueueId::make_short(now, inode);
}

// Only ours: an agent that the queue manager has given up may still read or mark the old message.
bool is_usable(File& file, const FileStatus& status, std::uint64_t inode) {
  if (!status.is_regular() || status.inode != inode || status.links != 1 || status.permissions() != 0600)
    return false;
  if (!file.try_lock()) return false;
  file.unlock();
  return true;
}

}  // namespace

IoResult<void> SpareGiver::remove(FileSystem& files, const std::string& path) {
  if (limit_ == 0) return files.remove(path);
  const auto status = files.status(path);
  if (!status) return std::unexpected(status.error());
  const bool is_of_use = status->is_regular() && status->links == 1 && status->size <= kLargest;
  if (!is_of_use || is_full(files)) return files.remove(path);
  // From here on the file is not a message any more, wherever a crash leaves it.
  if (!files.set_mode(path, 0600)) return files.remove(path);
  if (!files.rename(path, spare_path(std::to_string(status->inode)))) return files.remove(path);
  ++count_;
  was_used_ = true;
  if (recent_.size() < limit_) recent_.insert(status->inode);
  return {};
}

std::vector<std::string> SpareGiver::take_recent() {
  std::vector<std::string> paths;
  for (const auto inode : std::exchange(recent_, {})) paths.push_back(spare_path(std::to_string(inode)));
  return paths;
}

void write_back(FileSystem& files, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (const auto file = files.open(path, OpenFor::marking)) (*file)->start_write_back();
  }
}

bool SpareGiver::is_full(FileSystem& files) {
  if (full_for_ > 0) {
    --full_for_;
    return true;
  }
  if (count_ < limit_) return false;
  const auto names = files.list(std::string(queue::kSpare));
  if (!names) return true;
  count_ = names->size();
  if (count_ < limit_) return false;
  full_for_ = limit_ / 8;
  return true;
}

void SpareGiver::tidy(FileSystem& files) {
  if (std::exchange(was_used_, false) || count_ == 0) return;
  remove_spare_files(files);
  count_ = full_for_ = 0;
}

void SpareGiver::trim(FileSystem& files) {
  std::vector<std::string> names;
  if (count_ > 0) names = files.list(std::string(queue::kSpare)).value_or(names);
  std::ranges::rotate(unused_, unused_.begin() + 1);
  unused_.back() = count_ = names.size();
  const std::size_t surplus = std::ranges::min(unused_) / 2;
  const auto is_recent = [this](const std::string& name) {
    const auto inode = parse_int<std::uint64_t>(name);
    return inode && recent_.contains(*inode);
  };
  std::erase_if(names, is_recent);
  std::size_t removed = 0;
  for (const auto& name : names | std::views::take(surplus)) {
    if (files.remove(spare_path(name))) ++removed;
  }
  count_ -= removed;
  for (auto& count : unused_) count -= removed;
}

void remove_spare_files(FileSystem& files) {
  const auto names = files.list(std::string(queue::kSpare));
  if (!names) return;
  for (const auto& name : *names) (void)files.remove(spare_path(name));
}

// Any of those known: several processes that read the directory at the same time do not want the same.
std::optional<std::string> SpareTaker::next_name(FileSystem& files) {
  if (names_.empty()) {
    if (pause_ > 0) {
      --pause_;
      return std::nullopt;
    }
    pause_ = kPause;
    if (auto listed = files.list(std::string(queue::kSpare))) names_ = std::move(*listed);
    if (names_.empty()) return std::nullopt;
  }
  std::swap(names_[random_() % names_.size()], names_.back());
  std::string name = std::move(names_.back());
  names_.pop_back();
  return name;
}

std::optional<SpareTaker::Taken> SpareTaker::take(FileSystem& files, const Layout& layout,
                                                  std::string_view queue, bool long_ids, Time now) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto name = next_name(files);
    if (!name) return std::nullopt;
    const auto inode = parse_int<std::uint64_t>(*name);
    if (!inode) continue;
    Taken taken{.file = nullptr, .id = new_id(long_ids, now, *inode), .path = {}};
    taken.path = layout.path(queue, taken.id);
    if (layout.depth(queue) != 0) (void)layout.make_directories(files, queue, taken.id);
    if (!files.rename_new(spare_path(*name), taken.path)) {
      forget();
      continue;
    }
    auto file = files.open(taken.path, OpenFor::marking);
    const auto status = file ? (*file)->status() : std::unexpected(file.error());
    if (status && is_usable(**file, *status, *inode)) {
      taken.file = std::move(*file);
      taken.size = status->size;
      return taken;
    }
    (void)files.remove(taken.path);
  }
  return std::nullopt;
}

}  // namespace posthouse::queuefile
