#include "lib/queuefile/recovery.h"

#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "lib/base/text.h"
#include "lib/queuefile/envelope_reader.h"
#include "lib/queuefile/seal.h"

namespace posthouse::queuefile {
namespace {

constexpr mode_t kUnfinished = 0600;
constexpr mode_t kReady = 0700;

enum class Content : unsigned char {
  message,     // whole, with recipients left
  finished,    // whole, without
  none,        // no seal: nothing that was committed in a file used again
  torn,        // neither the old message nor the new
  unreadable,  // now
};

struct Finding {
  Content content = Content::unreadable;
  Seal seal;
  std::string trouble;  // when unreadable
};

bool has_recipients_left(File& file) {
  EnvelopeReader reader(file);
  if (!reader.read()) return false;
  while (reader.has_more()) {
    const auto recipients = reader.recipients(1);
    // Bytes that match their seal are well formed: what cannot be read now may be read later.
    if (!recipients || !recipients->empty()) return true;
  }
  return false;
}

Finding look_at(FileSystem& files, const std::string& path) {
  const auto file = files.open(path, OpenFor::reading);
  if (!file) return {.content = Content::unreadable, .seal = {}, .trouble = error_text(file.error())};
  auto seal = read_seal(**file);
  if (!seal) {
    if (seal.error().is_permanent()) return {.content = Content::torn, .seal = {}, .trouble = {}};
    return {.content = Content::unreadable, .seal = {}, .trouble = seal.error().text};
  }
  Finding finding{.content = Content::torn, .seal = std::move(*seal), .trouble = {}};
  if (finding.seal.state == SealState::none) finding.content = Content::none;
  if (finding.seal.state == SealState::intact)
    finding.content = has_recipients_left(**file) ? Content::message : Content::finished;
  return finding;
}

class Recovery {
 public:
  Recovery(FileSystem& files, const Layout& layout, Time now,
           const std::function<void(std::string_view)>& say)
      : files_(files), layout_(layout), now_(now), say_(say) {}

  void empty_spare() {
    for (const auto& name : files_.list(std::string(queue::kSpare)).value_or(std::vector<std::string>())) {
      const std::string path = fmt::format("{}/{}", queue::kSpare, name);
      const Finding finding = look_at(files_, path);
      switch (finding.content) {
        case Content::message:
          rescue(path, finding.seal.id);
          break;
        case Content::torn:
          set_aside(path, name);
          break;
        case Content::unreadable:
          say_(fmt::format("{}: {}", path, finding.trouble));
          break;
        case Content::finished:
        case Content::none:
          (void)files_.remove(path);
      }
    }
  }

  void check_unfinished(std::string_view queue) {
    for (const auto& path : paths_in(std::string(queue))) {
      const auto status = files_.status(path);
      if (!status || !status->is_regular() || status->permissions() != kUnfinished) continue;
      const auto name = QueueId::parse(path.substr(path.rfind('/') + 1));
      if (!name) continue;
      const Finding finding = look_at(files_, path);
      if (finding.content == Content::unreadable) say_(fmt::format("{}: {}", path, finding.trouble));
      if (finding.content != Content::message && finding.content != Content::finished) continue;
      // In active/, its own mode says that it was delivered and about to become a spare file.
      if (finding.seal.is_of(*name) && queue == queue::kActive) continue;
      if (finding.content == Content::message) {
        rescue(path, finding.seal.is_of(*name) ? *name : finding.seal.id);
      } else {
        (void)files_.remove(path);
      }
    }
  }

 private:
  std::vector<std::string> paths_in(const std::string& directory) {
    std::vector<std::string> paths;
    for (const auto& name : files_.list(directory).value_or(std::vector<std::string>())) {
      const std::string path = fmt::format("{}/{}", directory, name);
      if (name.size() > 1) {
        paths.push_back(path);
      } else {
        for (auto& inner : paths_in(path)) paths.push_back(std::move(inner));
      }
    }
    return paths;
  }

  void rescue(const std::string& path, const QueueId& id) {
    if (auto done = give_true_name(files_, layout_, path, id, now_); !done) {
      say_(fmt::format("{} holds message {}: {}", path, id.text(), error_text(done.error())));
    } else {
      say_(fmt::format("{}: found in {}, where a crash had left it", id.text(), path));
    }
  }

  void set_aside(const std::string& path, const std::string& name) {
    const auto inode = parse_int<std::uint64_t>(name);
    if (!inode) return;
    const QueueId id = QueueId::make_short(now_, *inode);
    (void)layout_.make_directories(files_, queue::kCorrupt, id);
    if (files_.rename_new(path, layout_.path(queue::kCorrupt, id)))
      say_(fmt::format("{} was not completely written; saved as corrupt/{}", path, id.text()));
  }

  FileSystem& files_;
  const Layout& layout_;
  Time now_;
  const std::function<void(std::string_view)>& say_;
};

}  // namespace

IoResult<void> give_true_name(FileSystem& files, const Layout& layout, const std::string& path,
                              const QueueId& id, Time now) {
  const auto status = files.status(path);
  if (!status) return std::unexpected(status.error());
  const QueueId name = id.inode() ? id.with_inode(status->inode) : id;
  const std::string target = layout.path(queue::kIncoming, name);
  if (path != target) {
    (void)layout.make_directories(files, queue::kIncoming, name);
    if (auto renamed = files.rename_new(path, target); !renamed) {
      const auto there = files.status(target);
      const bool is_same_file = renamed.error() == EEXIST && there && there->inode == status->inode;
      return is_same_file ? files.remove(path) : renamed;
    }
  }
  // The mode first: without the time the message only waits.
  if (auto ready = files.set_mode(target, kReady); !ready) return ready;
  return files.set_times(target, time_from_unix(unix_seconds(now)));
}

void recover_messages(FileSystem& files, const Layout& layout, Time now,
                      const std::function<void(std::string_view)>& say) {
  Recovery recovery(files, layout, now, say);
  recovery.check_unfinished(queue::kIncoming);
  recovery.check_unfinished(queue::kActive);
  recovery.empty_spare();
}

}  // namespace posthouse::queuefile
