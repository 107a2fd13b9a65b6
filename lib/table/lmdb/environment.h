// An LMDB environment as a C++ value, with the locking that LMDB itself is told to leave out.
#pragma once

#include <lmdb.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/table/turn_lock.h"

namespace posthouse::table {

struct CloseEnvironment {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
struct AbortTransaction {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using Transaction = std::unique_ptr<MDB_txn, AbortTransaction>;

// Stays where it is made: the end of a loop turn refers to it.
class Environment {
 public:
  static Result<std::unique_ptr<Environment>> open(const std::string& path, bool write, bool create,
                                                   std::size_t map_size);

  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  int fd() const;
  // A fcntl lock on the whole file, not waited for; false with errno if somebody else holds one.
  bool try_lock(bool exclusive);
  void unlock();

  // Both may wait while another program holds the file's lock; EAGAIN when it does not let go.
  // Runs `work` in a write transaction and commits; doubles the map and repeats when it is full.
  int write(const std::function<int(MDB_txn*, MDB_dbi)>& work, bool is_locked);
  // A read transaction; it and its lock are kept until the end of the loop turn.
  int read(const std::function<int(MDB_txn*, MDB_dbi)>& work);
  // For caches: commits need not reach the disk; sync() does that now and then.
  void defer_sync();
  int sync();

 private:
  Environment() = default;
  bool lock_for_change();
  int begin_read();
  void end_read();
  int use_database(MDB_txn* txn);

  std::unique_ptr<MDB_env, CloseEnvironment> env_;
  Transaction reader_;
  std::unique_ptr<TurnLock> turn_;
  bool is_reading_ = false;  // reader_ is a live snapshot, not a reset one
  MDB_dbi database_ = 0;
  bool has_database_ = false;
  bool is_read_only_ = true;
};

inline MDB_val to_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace posthouse::table
