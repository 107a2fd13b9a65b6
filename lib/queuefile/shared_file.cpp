#include "lib/queuefile/shared_file.h"

#include <cerrno>

namespace posthouse::queuefile {

IoResult<std::unique_ptr<File>> open_shared(FileSystem& files, const std::string& path, OpenFor use) {
  auto file = files.open(path, use);
  if (!file) return file;
  if (auto locked = (*file)->try_lock_shared(); !locked) return std::unexpected(locked.error());
  const auto named = files.status(path);
  if (!named) return std::unexpected(named.error());
  const auto opened = (*file)->status();
  if (!opened) return std::unexpected(opened.error());
  if (named->inode != opened->inode) return std::unexpected(ENOENT);
  return file;
}

}  // namespace posthouse::queuefile
