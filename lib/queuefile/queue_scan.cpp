#include "lib/queuefile/queue_scan.h"

#include <cerrno>
#include <utility>

namespace posthouse::queuefile {

namespace {
constexpr std::size_t kMaxDepth = 16;
}

QueueScan::QueueScan(std::string queue_path) {
  enter(std::move(queue_path));
}

QueueScan::~QueueScan() = default;

void QueueScan::enter(std::string path) {
  DIR* handle = ::opendir(path.c_str());
  if (!handle) {
    if (errno != ENOENT) failure_ = Failure::system("open queue directory " + path, errno);
    return;
  }
  levels_.push_back({std::move(path), std::unique_ptr<DIR, Closer>(handle)});
}

std::optional<QueueScan::Entry> QueueScan::next_entry() {
  while (!levels_.empty()) {
    errno = 0;
    const dirent* entry = ::readdir(levels_.back().handle.get());
    if (!entry) {
      if (errno) failure_ = Failure::system("read queue directory " + levels_.back().path, errno);
      levels_.pop_back();
      continue;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const bool may_be_level = name.size() == 1 && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
    if (may_be_level && levels_.size() < kMaxDepth) {
      const std::size_t before = levels_.size();
      enter(levels_.back().path + "/" + std::string(name));
      if (levels_.size() > before || entry->d_type == DT_DIR) continue;
      failure_.reset();  // a file with a name of one character
    }
    return Entry{levels_.back().path, std::string(name), entry->d_ino, entry->d_type == DT_REG};
  }
  return std::nullopt;
}

std::optional<QueueId> QueueScan::next() {
  while (auto entry = next_entry()) {
    if (auto id = QueueId::parse(entry->name)) return id;
  }
  return std::nullopt;
}

std::optional<Failure> QueueScan::take_failure() {
  return std::exchange(failure_, std::nullopt);
}

}  // namespace posthouse::queuefile
