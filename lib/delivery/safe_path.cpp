#include "lib/delivery/safe_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lib/base/text.h"

namespace posthouse::delivery {
namespace {

constexpr int kDirectory = O_DIRECTORY | O_CLOEXEC | O_RDONLY;

bool is_trusted_link(int directory, const std::string& name) {
  struct stat status {};
  return ::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode) &&
         status.st_uid == 0;
}

std::expected<UniqueFd, int> step(int directory, const std::string& name, mode_t create_mode) {
  UniqueFd next(::openat(directory, name.c_str(), kDirectory | O_NOFOLLOW));
  if (!next && errno == ENOENT && create_mode != 0) {
    if (::mkdirat(directory, name.c_str(), create_mode) != 0 && errno != EEXIST)
      return std::unexpected(errno);
    next = UniqueFd(::openat(directory, name.c_str(), kDirectory | O_NOFOLLOW));
  }
  if (!next && (errno == ELOOP || errno == ENOTDIR) && is_trusted_link(directory, name)) {
    next = UniqueFd(::openat(directory, name.c_str(), kDirectory));
  }
  if (!next) return std::unexpected(errno);
  return next;
}

}  // namespace

std::expected<UniqueFd, int> open_directory_below(const std::string& base, std::string_view relative,
                                                  mode_t create_mode) {
  UniqueFd directory(::open(base.empty() ? "/" : base.c_str(), kDirectory));
  if (!directory) return std::unexpected(errno);
  for (std::string_view name : split(relative, '/')) {
    if (name.empty() || name == ".") continue;
    if (name == "..") return std::unexpected(EPERM);
    auto next = step(directory.get(), std::string(name), create_mode);
    if (!next) return next;
    directory = std::move(*next);
  }
  return directory;
}

std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace posthouse::delivery
