#include "lib/queuefile/layout.h"

#include <algorithm>
#include <cerrno>

#include "lib/base/text.h"

namespace posthouse::queuefile {

Layout::Layout(std::string_view hash_queue_names, unsigned hash_queue_depth) : depth_(hash_queue_depth) {
  hashed_.clear();
  for (auto name : split_any(hash_queue_names)) hashed_.emplace_back(name);
}

unsigned Layout::depth(std::string_view queue) const {
  return std::ranges::find(hashed_, queue) == hashed_.end() ? 0 : depth_;
}

std::string Layout::path(std::string_view queue, const QueueId& id) const {
  std::string path(queue);
  path += '/';
  if (const unsigned levels = depth(queue)) path += id.hash_path(levels);
  path += id.text();
  return path;
}

bool Layout::is_directory_of(std::string_view directory, std::string_view queue, const QueueId& id) const {
  if (!directory.starts_with(queue)) return false;
  directory.remove_prefix(queue.size());
  const unsigned levels = depth(queue);
  if (levels == 0 || directory.empty()) return levels == 0 && directory.empty();
  const std::string below = id.hash_path(levels);  // "9/" for "/9"
  return directory.size() == below.size() && directory.front() == '/' &&
         std::string_view(below).starts_with(directory.substr(1));
}

IoResult<void> Layout::make_directories(FileSystem& files, std::string_view queue, const QueueId& id) const {
  const std::string below = id.hash_path(depth(queue));
  for (std::size_t at = 1; at < below.size(); at += 2) {
    const std::string directory = std::string(queue) + "/" + below.substr(0, at);
    if (auto made = files.make_directory(directory, 0700); !made && made.error() != EEXIST) return made;
  }
  return {};
}

IoResult<void> Layout::move(FileSystem& files, std::string_view from, std::string_view to,
                            const QueueId& id) const {
  const std::string source = path(from, id);
  const std::string target = path(to, id);
  auto moved = files.rename(source, target);
  if (moved || moved.error() != ENOENT || depth(to) == 0) return moved;
  if (auto made = make_directories(files, to, id); !made) return made;
  return files.rename(source, target);
}

std::optional<std::string> Layout::find(FileSystem& files, const QueueId& id,
                                        std::initializer_list<std::string_view> queues) const {
  for (auto queue : queues) {
    if (auto status = files.status(path(queue, id)); status && status->is_regular())
      return std::string(queue);
  }
  return std::nullopt;
}

}  // namespace posthouse::queuefile
