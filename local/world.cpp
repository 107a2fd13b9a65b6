#include "local/world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lib/base/text.h"
#include "lib/base/unique_fd.h"
#include "lib/log/log.h"
#include "lib/runtime/offload.h"

namespace posthouse::local {
namespace {

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Failure::system("error reading " + path, errno));
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kFileLimit) return fail(Failure::system("error reading " + path, EFBIG));
  }
}

// The file if the user may decide with it where mail goes: regular, the user's or root's, not for everybody
// to write. Nothing when there is none.
Result<std::optional<std::string>> read_forward_blocking(const User& user, const std::string& path) {
  const delivery::UserRights rights(user.owner);
  if (!rights.taken()) return fail(rights.taken().error());
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return std::nullopt;
    return fail(Failure::deferred("4.3.0", "error reading forwarding file: " + error_text(errno)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const bool is_owner = status.st_uid == 0 || status.st_uid == user.owner.uid;
  if ((delivery::UserRights::can_switch() && !is_owner) || (status.st_mode & S_IWOTH) != 0) {
    log::warning("{}: file has wrong owner or is world writable", path);
    return std::nullopt;
  }
  auto text = read_all(file.get(), path);
  if (!text) return fail(Failure::deferred("4.3.0", "error reading forwarding file: " + text.error().text));
  return std::move(*text);
}

Result<IncludeFile> read_include_blocking(const std::string& path, const std::optional<User>& user) {
  const delivery::UserRights rights(user ? user->owner : delivery::Owner{});
  if (!rights.taken()) return fail(rights.taken().error());
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    log::warning("open include file {}: {}", path, error_text(errno));
    return fail(Failure::deferred("4.3.5", "mail system configuration error"));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & S_IWOTH) != 0) {
    log::warning("include file {} is not a regular file or is world writable", path);
    return fail(Failure::deferred("4.3.5", "mail system configuration error"));
  }
  auto text = read_all(file.get(), path);
  if (!text) return fail(std::move(text.error()));
  return IncludeFile{std::move(*text), status.st_uid};
}

Result<std::optional<AliasEntry>> find_alias(const WorldSettings& settings, const std::string& name) {
  std::shared_ptr<table::Table> which;
  Lookup found = settings.aliases.lookup(name, table::KeyPart::whole, which);
  if (std::holds_alternative<NotFound>(found)) return std::nullopt;
  if (auto* failure = std::get_if<Failure>(&found)) return fail(std::move(*failure));
  const unsigned owner = which ? which->owner().value_or(0) : 0;
  return AliasEntry{std::move(std::get<std::string>(found)), owner};
}

Result<std::optional<ForwardFile>> find_forward(const WorldSettings& settings, const User& user,
                                                Names names) {
  if (const auto extension = names.find("extension");
      extension != names.end() && extension->second.find('/') != std::string::npos)
    return std::nullopt;
  names["home"] = user.home;
  names["shell"] = user.shell;
  for (std::string_view pattern : settings.forward_path) {
    const auto path =
        expand_names(pattern, names, config::Undefined::mistake, settings.forward_expansion_filter);
    if (!path) continue;  // it needs an extension
    auto text = runtime::offload([&] { return read_forward_blocking(user, *path); });
    if (!text) return fail(std::move(text.error()));
    if (*text) return ForwardFile{std::move(**text), uses_name(pattern, "extension")};
  }
  return std::nullopt;
}

}  // namespace

World make_world(const std::shared_ptr<const WorldSettings>& settings) {
  return {
      .alias = [settings](const std::string& name) { return find_alias(*settings, name); },
      .user =
          [](const std::string& name) {
            return runtime::offload([&name] { return find_user_blocking(name); });
          },
      .forward = [settings](const User& user,
                            const Names& names) { return find_forward(*settings, user, names); },
      .include =
          [](const std::string& path, const std::optional<User>& user) {
            return runtime::offload([&] { return read_include_blocking(path, user); });
          },
      .user_of_uid = [](unsigned uid) { return runtime::offload([uid] { return find_user_blocking(uid); }); },
      .is_local_domain =
          [settings](const std::string& domain) {
            const auto matches = settings->mydestination.matches(domain);
            return matches && *matches;
          }};
}

}  // namespace posthouse::local
