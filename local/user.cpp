#include "local/user.h"

#include <pwd.h>

#include <cerrno>
#include <vector>

namespace posthouse::local {
namespace {

constexpr std::size_t kBufferLimit = 1024 * 1024;

// `ask` is getpwnam_r or getpwuid_r with the account in question.
template <class Ask>
Result<std::optional<User>> find(Ask ask) {
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  int error = 0;
  while ((error = ask(&entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < kBufferLimit) {
    buffer.resize(buffer.size() * 2);
  }
  if (found != nullptr) {
    return User{entry.pw_name, entry.pw_dir, entry.pw_shell, {.uid = entry.pw_uid, .gid = entry.pw_gid}};
  }
  // These say "no such user" in one or the other account database.
  if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
    return std::nullopt;
  return fail(Failure::deferred("4.3.0", "user lookup error: " + error_text(error)));
}

}  // namespace

Result<std::optional<User>> find_user_blocking(const std::string& name) {
  return find([&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
}

Result<std::optional<User>> find_user_blocking(unsigned uid) {
  return find([uid](auto... rest) { return ::getpwuid_r(uid, rest...); });
}

}  // namespace posthouse::local
