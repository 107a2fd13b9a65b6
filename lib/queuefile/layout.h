// Where the file of a queue id is: "deferred/9/92CCAAC803D".
//
// `hash_queue_names` and `hash_queue_depth` decide which queues have subdirectories. All paths
// are relative to queue_directory.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.h"
#include "lib/queuefile/file_system.h"
#include "lib/queuefile/queue_id.h"

namespace posthouse::queuefile {

namespace queue {  // names of queue directories
inline constexpr std::string_view kIncoming = "incoming";
inline constexpr std::string_view kActive = "active";
inline constexpr std::string_view kDeferred = "deferred";
inline constexpr std::string_view kHold = "hold";
inline constexpr std::string_view kCorrupt = "corrupt";
inline constexpr std::string_view kMaildrop = "maildrop";
inline constexpr std::string_view kBounce = "bounce";
inline constexpr std::string_view kDefer = "defer";
inline constexpr std::string_view kTrace = "trace";
inline constexpr std::string_view kSpare = "spare";  // see spare_files.h
}  // namespace queue

class Layout {
 public:
  Layout() = default;  // deferred and defer, depth 1
  Layout(std::string_view hash_queue_names, unsigned hash_queue_depth);

  std::string path(std::string_view queue, const QueueId& id) const;
  bool is_directory_of(std::string_view directory, std::string_view queue, const QueueId& id) const;
  unsigned depth(std::string_view queue) const;  // 0 when not hashed

  // Moves the file of `id` between queues (or renames when ids differ); makes missing
  // subdirectories. ENOENT when there is no such file.
  IoResult<void> move(FileSystem& files, std::string_view from, std::string_view to, const QueueId& id) const;
  // The directories that path() needs, made with mode 0700.
  IoResult<void> make_directories(FileSystem& files, std::string_view queue, const QueueId& id) const;
  // First queue of `queues` that has the message.
  std::optional<std::string> find(FileSystem& files, const QueueId& id,
                                  std::initializer_list<std::string_view> queues) const;

 private:
  std::vector<std::string> hashed_{"deferred", "defer"};
  unsigned depth_ = 1;
};

}  // namespace posthouse::queuefile
