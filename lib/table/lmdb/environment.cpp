#include "lib/table/lmdb/environment.h"

#include <fcntl.h>

#include <cerrno>

#include "lib/table/database_file.h"

namespace posthouse::table {
namespace {

constexpr mdb_mode_t kMode = 0644;

}  // namespace

Result<std::unique_ptr<Environment>> Environment::open(const std::string& path, bool write, bool create,
                                                       std::size_t map_size) {
  auto out = std::unique_ptr<Environment>(new Environment);
  MDB_env* raw = nullptr;
  if (const int error = mdb_env_create(&raw)) return fail(cannot_open(path, mdb_strerror(error)));
  out->env_.reset(raw);
  out->is_read_only_ = !write;
  mdb_env_set_mapsize(raw, map_size);
  const unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | (write ? 0U : MDB_RDONLY);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 && !create) return fail(cannot_open(path, errno));
  if (const int error = mdb_env_open(raw, path.c_str(), flags, kMode))
    return fail(cannot_open(path, mdb_strerror(error)));
  out->turn_ = std::make_unique<TurnLock>([self = out.get()] { return self->try_lock(false); },
                                          [self = out.get()] {
                                            self->end_read();
                                            self->unlock();
                                          });
  return out;
}

Environment::~Environment() {
  if (turn_) turn_->drop();
}

int Environment::fd() const {
  mdb_filehandle_t fd = -1;
  mdb_env_get_fd(env_.get(), &fd);
  return fd;
}

bool Environment::try_lock(bool exclusive) {
  struct flock request {};
  request.l_type = exclusive ? F_WRLCK : F_RDLCK;
  request.l_whence = SEEK_SET;
  return ::fcntl(fd(), F_SETLK, &request) == 0;
}

bool Environment::lock_for_change() {
  return wait_for_lock([this] {
    turn_->drop();
    return try_lock(true);
  });
}

void Environment::unlock() {
  struct flock request {};
  request.l_type = F_UNLCK;
  request.l_whence = SEEK_SET;
  (void)::fcntl(fd(), F_SETLK, &request);
}

int Environment::use_database(MDB_txn* txn) {
  if (has_database_) return 0;
  const int error = mdb_dbi_open(txn, nullptr, 0, &database_);
  has_database_ = error == 0;
  return error;
}

int Environment::begin_read() {
  if (reader_) {
    const int error = mdb_txn_renew(reader_.get());
    if (error == 0) return 0;
    reader_.reset();
    if (error != MDB_MAP_RESIZED) return error;
  }
  MDB_txn* txn = nullptr;
  int error = mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &txn);
  if (error == MDB_MAP_RESIZED) {
    error = mdb_env_set_mapsize(env_.get(), 0);
    if (error == 0) error = mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &txn);
  }
  if (error == 0) reader_.reset(txn);
  return error;
}

void Environment::end_read() {
  if (std::exchange(is_reading_, false) && reader_) mdb_txn_reset(reader_.get());
}

int Environment::read(const std::function<int(MDB_txn*, MDB_dbi)>& work) {
  if (!turn_->hold()) return errno;
  if (!is_reading_) {
    if (const int error = begin_read()) return error;
    is_reading_ = true;
  }
  const bool is_first = !has_database_;
  int error = use_database(reader_.get());
  if (error == 0) error = work(reader_.get(), database_);
  if (is_first && has_database_) {
    // The database handle becomes the environment's only when its first transaction is committed.
    is_reading_ = false;
    mdb_txn_commit(reader_.release());
  }
  return error;
}

int Environment::write(const std::function<int(MDB_txn*, MDB_dbi)>& work, bool is_locked) {
  if (!is_locked && !lock_for_change()) return errno;
  end_read();
  int error = MDB_MAP_FULL;
  while (error == MDB_MAP_FULL || error == MDB_MAP_RESIZED) {
    MDB_txn* raw = nullptr;
    error = mdb_txn_begin(env_.get(), nullptr, 0, &raw);
    Transaction txn(raw);
    const bool is_first = !has_database_;
    if (error == 0) error = use_database(raw);
    if (error == 0) error = work(raw, database_);
    if (error == 0) error = mdb_txn_commit(txn.release());
    txn.reset();
    if (error != 0 && is_first) has_database_ = false;
    if (error == MDB_MAP_FULL) {
      MDB_envinfo info{};
      mdb_env_info(env_.get(), &info);
      reader_.reset();  // the map is going to move
      if (const int grown = mdb_env_set_mapsize(env_.get(), info.me_mapsize * 2)) error = grown;
    } else if (error == MDB_MAP_RESIZED) {
      reader_.reset();
      if (const int adopted = mdb_env_set_mapsize(env_.get(), 0)) error = adopted;
    }
  }
  if (!is_locked) unlock();
  return error;
}

void Environment::defer_sync() {
  mdb_env_set_flags(env_.get(), MDB_NOSYNC, 1);
}

int Environment::sync() {
  return mdb_env_sync(env_.get(), 1);
}

}  // namespace posthouse::table
