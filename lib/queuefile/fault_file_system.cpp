#include "lib/queuefile/fault_file_system.h"

#include <sys/stat.h>

#include <cerrno>

namespace posthouse::queuefile {

struct FaultFileSystem::Node {
  std::uint64_t inode = 0;
  std::string data, synced_data;
  std::size_t committed_size = 0;
  mode_t mode = 0, synced_mode = 0;
  bool is_locked = false;
  Time modified;
};

struct FaultFileSystem::State {
  std::map<std::string, std::shared_ptr<Node>> names, synced_names;
  std::uint64_t next_inode = 100;
  int calls = 0, cut_at = 0, fail_call = 0, fail_error = 0;

  struct Entry {
    std::shared_ptr<Node> node;
    mode_t mode;
  };
  std::map<int, std::map<std::string, Entry>> commits;  // by number of calls
  int first_commit = 0;

  // Called at the end of each change that the journal sees.
  void note() {
    auto& now = commits[calls];
    for (const auto& [path, node] : names) now[path] = {node, node->mode};
  }

  bool is_cut() const { return cut_at != 0 && calls >= cut_at; }
  // Counts a changing call; the error it must fail with, or 0.
  int change() {
    if (is_cut()) return EIO;
    ++calls;
    if (is_cut()) return EIO;
    return calls == fail_call ? fail_error : 0;
  }
};

class FaultFileSystem::Handle : public File {
 public:
  Handle(std::shared_ptr<State> state, std::shared_ptr<Node> node)
      : state_(std::move(state)), node_(std::move(node)) {}
  ~Handle() override {
    if (has_lock_) node_->is_locked = false;
  }

  IoResult<std::size_t> read_at(char* buffer, std::size_t size, std::int64_t offset) override {
    const auto at = static_cast<std::size_t>(offset);
    if (at >= node_->data.size()) return 0;
    return node_->data.copy(buffer, size, at);
  }
  IoResult<void> write_at(std::string_view bytes, std::int64_t offset) override {
    if (const int error = state_->change()) return std::unexpected(error);
    const auto at = static_cast<std::size_t>(offset);
    if (node_->data.size() < at + bytes.size()) node_->data.resize(at + bytes.size());
    node_->data.replace(at, bytes.size(), bytes);
    return {};
  }
  IoResult<void> set_mode(mode_t mode) override {
    if (const int error = state_->change()) return std::unexpected(error);
    node_->mode = mode;
    state_->note();
    return {};
  }
  IoResult<FileStatus> status() override { return status_of(*node_); }
  IoResult<void> sync() override {
    if (const int error = state_->change()) return std::unexpected(error);
    node_->synced_data = node_->data;
    node_->synced_mode = node_->mode;
    node_->committed_size = node_->data.size();
    state_->note();
    state_->first_commit = state_->calls;
    return {};
  }
  IoResult<void> sync_data() override {
    if (node_->committed_size != node_->data.size()) return sync();
    if (const int error = state_->change()) return std::unexpected(error);
    node_->synced_data = node_->data;
    return {};
  }
  IoResult<void> try_lock() override {
    if (node_->is_locked && !has_lock_) return std::unexpected(EWOULDBLOCK);
    node_->is_locked = has_lock_ = true;
    return {};
  }
  void unlock() override {
    if (has_lock_) node_->is_locked = has_lock_ = false;
  }
  IoResult<void> truncate(std::int64_t size) override {
    if (const int error = state_->change()) return std::unexpected(error);
    node_->data.resize(static_cast<std::size_t>(size));
    return {};
  }
  int descriptor() const override { return -1; }

  static FileStatus status_of(const Node& node) {
    return {.inode = node.inode,
            .size = static_cast<std::int64_t>(node.data.size()),
            .mode = S_IFREG | node.mode,
            .owner = 0,
            .modified = node.modified};
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Node> node_;
  bool has_lock_ = false;
};

FaultFileSystem::FaultFileSystem(int cut_at) : state_(std::make_shared<State>()) {
  state_->cut_at = cut_at;
}

FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::fail_at(int call, int error) {
  state_->fail_call = call;
  state_->fail_error = error;
}

bool FaultFileSystem::was_cut() const {
  return state_->is_cut();
}

int FaultFileSystem::calls() const {
  return state_->calls;
}

std::unique_ptr<FaultFileSystem> FaultFileSystem::after_reboot(Survivors survivors) const {
  auto rebooted = std::make_unique<FaultFileSystem>();
  const bool all = survivors == Survivors::everything;
  for (const auto& [path, node] : survivors == Survivors::synced ? state_->synced_names : state_->names) {
    auto copy = std::make_shared<Node>(*node);
    copy->is_locked = false;
    if (!all) {
      copy->data = node->synced_data;
      copy->mode = node->synced_mode;
    }
    copy->synced_data = copy->data;
    copy->synced_mode = copy->mode;
    rebooted->state_->names[path] = rebooted->state_->synced_names[path] = copy;
  }
  rebooted->state_->next_inode = state_->next_inode;
  return rebooted;
}

std::unique_ptr<FaultFileSystem> FaultFileSystem::after_replay(int commit, bool has_contents) const {
  auto rebooted = std::make_unique<FaultFileSystem>();
  rebooted->state_->next_inode = state_->next_inode;
  const auto next = state_->commits.upper_bound(commit);
  if (next == state_->commits.begin()) return rebooted;
  for (const auto& [path, entry] : std::prev(next)->second) {
    auto copy = std::make_shared<Node>(*entry.node);
    copy->is_locked = false;
    copy->mode = copy->synced_mode = entry.mode;
    if (!has_contents) copy->data = entry.node->synced_data;
    copy->synced_data = copy->data;
    rebooted->state_->names[path] = rebooted->state_->synced_names[path] = copy;
  }
  return rebooted;
}

int FaultFileSystem::first_commit() const {
  return state_->first_commit;
}

std::string FaultFileSystem::content(const std::string& path) const {
  const auto found = state_->names.find(path);
  return found == state_->names.end() ? std::string() : found->second->data;
}

std::vector<std::string> FaultFileSystem::all_paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, node] : state_->names) paths.push_back(path);
  return paths;
}

IoResult<std::unique_ptr<File>> FaultFileSystem::create(const std::string& path, mode_t mode) {
  if (const int error = state_->change()) return std::unexpected(error);
  auto& node = state_->names[path];
  if (node) return std::unexpected(EEXIST);
  node = std::make_shared<Node>();
  node->inode = state_->next_inode++;
  node->mode = mode;
  state_->note();
  return std::make_unique<Handle>(state_, node);
}

IoResult<std::unique_ptr<File>> FaultFileSystem::open(const std::string& path, OpenFor) {
  const auto found = state_->names.find(path);
  if (found == state_->names.end()) return std::unexpected(ENOENT);
  return std::make_unique<Handle>(state_, found->second);
}

IoResult<void> FaultFileSystem::rename(const std::string& from, const std::string& to) {
  if (const int error = state_->change()) return std::unexpected(error);
  const auto found = state_->names.find(from);
  if (found == state_->names.end()) return std::unexpected(ENOENT);
  auto node = found->second;
  state_->names.erase(found);
  state_->names[to] = node;
  state_->note();
  return {};
}

IoResult<void> FaultFileSystem::rename_new(const std::string& from, const std::string& to) {
  if (state_->names.contains(to)) return std::unexpected(EEXIST);
  return rename(from, to);
}

IoResult<void> FaultFileSystem::remove(const std::string& path) {
  if (const int error = state_->change()) return std::unexpected(error);
  if (state_->names.erase(path) == 0) return std::unexpected(ENOENT);
  state_->note();
  return {};
}

IoResult<void> FaultFileSystem::make_directory(const std::string&, mode_t) {
  if (const int error = state_->change()) return std::unexpected(error);
  return {};
}

IoResult<FileStatus> FaultFileSystem::status(const std::string& path) {
  const auto found = state_->names.find(path);
  if (found == state_->names.end()) return std::unexpected(ENOENT);
  return Handle::status_of(*found->second);
}

IoResult<void> FaultFileSystem::set_mode(const std::string& path, mode_t mode) {
  if (const int error = state_->change()) return std::unexpected(error);
  const auto found = state_->names.find(path);
  if (found == state_->names.end()) return std::unexpected(ENOENT);
  found->second->mode = mode;
  state_->note();
  return {};
}

IoResult<void> FaultFileSystem::set_times(const std::string& path, Time time) {
  if (const int error = state_->change()) return std::unexpected(error);
  const auto found = state_->names.find(path);
  if (found == state_->names.end()) return std::unexpected(ENOENT);
  found->second->modified = time;
  return {};
}

IoResult<void> FaultFileSystem::sync_directory(const std::string& path) {
  if (const int error = state_->change()) return std::unexpected(error);
  const auto is_inside = [&](const auto& entry) {
    return entry.first.substr(0, entry.first.rfind('/')) == path;
  };
  std::erase_if(state_->synced_names, is_inside);
  for (const auto& entry : state_->names) {
    if (is_inside(entry)) state_->synced_names.insert(entry);
  }
  return {};
}

IoResult<std::vector<std::string>> FaultFileSystem::list(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& [name, node] : state_->names) {
    if (name.substr(0, name.rfind('/')) == path) names.push_back(name.substr(name.rfind('/') + 1));
  }
  return names;
}

}  // namespace posthouse::queuefile
