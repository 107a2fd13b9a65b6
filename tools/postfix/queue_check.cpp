#include "tools/postfix/queue_check.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "lib/base/failure.h"

namespace posthouse::postfix_command {

const std::vector<QueueDirectory> kQueueDirectories{
    {"active", 0700},
    {"bounce", 0700},
    {"corrupt", 0700},
    {"defer", 0700},
    {"deferred", 0700},
    {"flush", 0700},
    {"hold", 0700},
    {"incoming", 0700},
    {"saved", 0700},
    {"spare", 0700},
    {"trace", 0700},
    {"private", 0700},
    {"public", 0710, false, true},
    {"maildrop", 0730, false, true},
    {"pid", 0755, true},
};

namespace {

struct Owners {
  uid_t owner = 0;
  gid_t owner_group = 0;
  gid_t submission_group = 0;
};

std::optional<Owners> find_owners(const Instance& instance) {
  const std::string owner = instance.main_cf().value("mail_owner");
  const std::string group = instance.main_cf().value("setgid_group");
  const passwd* user = ::getpwnam(owner.c_str());
  const ::group* submission = ::getgrnam(group.c_str());
  if (user == nullptr) instance.fail(fmt::format("mail_owner: there is no user \"{}\"", owner));
  if (submission == nullptr) instance.fail(fmt::format("setgid_group: there is no group \"{}\"", group));
  if (user == nullptr || submission == nullptr) return std::nullopt;
  return Owners{user->pw_uid, user->pw_gid, submission->gr_gid};
}

bool make_directory(const Instance& instance, const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) return ::chmod(path.c_str(), mode) == 0;  // whatever the umask says
  instance.fail(fmt::format("mkdir {}: {}", path, error_text(errno)));
  return false;
}

// The directory that a parameter names.
bool is_usable(const Instance& instance, std::string_view parameter) {
  const std::string path = instance.directory(parameter);
  if (::access((path + "/.").c_str(), R_OK | X_OK) == 0) return true;
  const int error = errno;
  const config::MainCf::Entry* entry = instance.main_cf().find(parameter);
  instance.fail(config::Problem{.where = entry != nullptr ? entry->where() : "",
                                .parameter = std::string(parameter),
                                .value = path,
                                .expected = "a directory, but: " + error_text(error)}
                    .text());
  return false;
}

bool make_when_missing(const Instance& instance, std::string_view parameter, unsigned mode) {
  const std::string path = instance.directory(parameter);
  if (::mkdir(path.c_str(), mode) == 0) return ::chmod(path.c_str(), mode) == 0;  // whatever the umask says
  return is_usable(instance, parameter);
}

// A new directory gets its owner; an existing one is only looked at.
bool check_queue_directory(const Instance& instance, const QueueDirectory& directory, const Owners& owners) {
  const std::string path = fmt::format("{}/{}", instance.directory("queue_directory"), directory.name);
  const bool is_root = !instance.is_rootless();
  const uid_t owner = directory.is_roots ? 0 : owners.owner;
  const gid_t group = directory.is_submission ? owners.submission_group : 0;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (!make_directory(instance, path, directory.mode)) return false;
    if (is_root && ::lchown(path.c_str(), owner, group) != 0) {
      instance.fail(fmt::format("chown {}: {}", path, error_text(errno)));
      return false;
    }
    return true;
  }
  if (!S_ISDIR(status.st_mode)) {
    instance.fail(fmt::format("{} is not a directory", path));
    return false;
  }
  if (!is_root) return true;
  if (status.st_uid != owner) {
    instance.warn(fmt::format("not owned by {}: {}",
                              directory.is_roots ? "root" : instance.main_cf().value("mail_owner"), path));
  }
  if (directory.is_submission && status.st_gid != group) {
    instance.warn(fmt::format("not owned by group {}: {}", instance.main_cf().value("setgid_group"), path));
  }
  if (directory.is_roots && (status.st_mode & 022) != 0) {
    instance.warn(fmt::format("group or other writable: {}", path));
  }
  return true;
}

void warn_about_file(const Instance& instance, const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  if (status.st_uid != 0) instance.warn(fmt::format("not owned by root: {}", path));
  if ((status.st_mode & 022) != 0) instance.warn(fmt::format("group or other writable: {}", path));
}

void warn_about_command(const Instance& instance, std::string_view name, gid_t group) {
  const std::string path = instance.command(name);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  if (status.st_gid != group) {
    instance.warn(fmt::format("not owned by group {}: {}", instance.main_cf().value("setgid_group"), path));
  }
  if ((status.st_mode & 02111) != 02111) {
    instance.warn(fmt::format("not set-gid or not owner+group+world executable: {}", path));
  }
}

bool check_data_directory(const Instance& instance, const Owners& owners) {
  const std::string path = instance.directory("data_directory");
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  if (!make_when_missing(instance, "data_directory", 0700)) return false;
  if (instance.is_rootless()) return true;
  if (is_new && ::lchown(path.c_str(), owners.owner, 0) != 0) {
    instance.fail(fmt::format("chown {}: {}", path, error_text(errno)));
    return false;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && status.st_uid != owners.owner) {
    instance.warn(fmt::format("not owned by {}: {}", instance.main_cf().value("mail_owner"), path));
  }
  return true;
}

}  // namespace

bool check_configuration(const Instance& instance) {
  return run_program({instance.program("master"), "-c", instance.config_directory(), "--check"}) == 0;
}

bool check_directories(const Instance& instance) {
  Owners owners{::geteuid(), ::getegid(), ::getegid()};
  if (!instance.is_rootless()) {
    const auto found = find_owners(instance);
    if (!found) return false;
    owners = *found;
    for (const char* name : {"main.cf", "master.cf"}) {
      warn_about_file(instance, fmt::format("{}/{}", instance.config_directory(), name));
    }
    for (const char* name : {"postqueue", "postdrop"})
      warn_about_command(instance, name, owners.submission_group);
    warn_about_file(instance, instance.directory("queue_directory"));
  }
  if (!is_usable(instance, "daemon_directory")) return false;
  if (!make_when_missing(instance, "queue_directory", 0755)) return false;
  if (!check_data_directory(instance, owners)) return false;
  for (const QueueDirectory& directory : kQueueDirectories) {
    if (!check_queue_directory(instance, directory, owners)) return false;
  }
  return true;
}

bool set_permissions(const Instance& instance) {
  if (instance.is_rootless()) {
    instance.fail("set-permissions needs root");
    return false;
  }
  if (!check_directories(instance)) return false;
  const auto owners = find_owners(instance);
  if (!owners) return false;
  bool is_good = true;
  const auto apply = [&](const std::string& path, uid_t user, gid_t group, mode_t mode) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || S_ISLNK(status.st_mode)) return;
    if (::lchown(path.c_str(), user, group) == 0 && ::chmod(path.c_str(), mode) == 0) return;
    instance.warn(fmt::format("cannot set permissions of {}: {}", path, error_text(errno)));
    is_good = false;
  };
  apply(instance.directory("data_directory"), owners->owner, 0, 0700);
  for (const QueueDirectory& directory : kQueueDirectories) {
    apply(fmt::format("{}/{}", instance.directory("queue_directory"), directory.name),
          directory.is_roots ? 0 : owners->owner, directory.is_submission ? owners->submission_group : 0,
          directory.mode);
  }
  for (const char* name : {"postqueue", "postdrop"})
    apply(instance.command(name), 0, owners->submission_group, 02755);
  for (const char* name : {"main.cf", "master.cf"}) {
    apply(fmt::format("{}/{}", instance.config_directory(), name), 0, 0, 0644);
  }
  return is_good;
}

}  // namespace posthouse::postfix_command
