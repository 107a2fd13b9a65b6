// A file system in memory for tests: fails or loses power at a chosen call, and shows what is left
// after the reboot. after_reboot() is pessimistic: only what was synced, content by File::sync() and names by
// sync_directory(), is sure to survive. after_replay() is a file system with a journal (ext4): File::sync(),
// and sync_data() of a file with a new size, commit all names and modes; other times may do so, too.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "lib/queuefile/file_system.h"

namespace posthouse::queuefile {

class FaultFileSystem : public FileSystem {
 public:
  // Power is cut before the n-th changing call (1, 2, ...); 0 = never.
  explicit FaultFileSystem(int cut_at = 0);
  ~FaultFileSystem() override;

  // The n-th changing call fails with `error`, later ones work again.
  void fail_at(int call, int error);
  bool was_cut() const;
  int calls() const;  // changing calls so far

  enum class Survivors : unsigned char {
    synced,      // content and names
    names,       // all names, but only content and modes that were synced
    everything,  // as if nothing had been held back
  };
  std::unique_ptr<FaultFileSystem> after_reboot(Survivors survivors = Survivors::synced) const;

  // Names and modes as of `commit`, between first_commit(), the last one that somebody waited for, and
  // calls(); contents as synced, or as written when `has_contents`.
  std::unique_ptr<FaultFileSystem> after_replay(int commit, bool has_contents) const;
  int first_commit() const;
  // Content of a file, for tests.
  std::string content(const std::string& path) const;
  std::vector<std::string> all_paths() const;

  IoResult<std::unique_ptr<File>> create(const std::string& path, mode_t mode) override;
  IoResult<std::unique_ptr<File>> open(const std::string& path, OpenFor use) override;
  IoResult<void> rename(const std::string& from, const std::string& to) override;
  IoResult<void> rename_new(const std::string& from, const std::string& to) override;
  IoResult<void> remove(const std::string& path) override;
  IoResult<void> make_directory(const std::string& path, mode_t mode) override;
  IoResult<FileStatus> status(const std::string& path) override;
  IoResult<void> set_mode(const std::string& path, mode_t mode) override;
  IoResult<void> set_times(const std::string& path, Time time) override;
  IoResult<void> sync_directory(const std::string& path) override;
  IoResult<std::vector<std::string>> list(const std::string& path) override;

 private:
  struct State;
  struct Node;
  class Handle;
  std::shared_ptr<State> state_;
};

}  // namespace posthouse::queuefile
