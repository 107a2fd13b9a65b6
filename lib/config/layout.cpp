#include "lib/config/layout.h"

#include <sys/auxv.h>

#include <filesystem>

namespace posthouse::config::layout {
namespace {

// The prefix that this program was installed (or built) below. A program with more rights than its user does
// not ask where it stands: the user may have made that place.
std::string find_prefix() {
  std::error_code error;
  const auto program = ::getauxval(AT_SECURE) != 0 ? std::filesystem::path()
                                                   : std::filesystem::read_symlink("/proc/self/exe", error);
  return prefix_of(program.parent_path().string(), {POSTHOUSE_COMMAND_DIR, POSTHOUSE_DAEMON_DIR})
      .value_or(POSTHOUSE_PREFIX);
}

std::string below_prefix(std::string_view directory) {
  static const std::string prefix = find_prefix();  // before a chroot hides /proc
  if (directory.starts_with('/')) return std::string(directory);
  return prefix + "/" + std::string(directory);
}

}  // namespace

std::optional<std::string> prefix_of(std::string_view directory,
                                     std::initializer_list<std::string_view> known) {
  for (const std::string_view tail : known) {
    if (tail.starts_with('/') || directory.size() <= tail.size() || !directory.ends_with(tail)) continue;
    const std::string_view prefix = directory.substr(0, directory.size() - tail.size() - 1);
    if (directory[prefix.size()] == '/') return std::string(prefix);
  }
  return std::nullopt;
}

std::string command_directory() {
  return below_prefix(POSTHOUSE_COMMAND_DIR);
}
std::string daemon_directory() {
  return below_prefix(POSTHOUSE_DAEMON_DIR);
}
std::string config_directory() {
  return POSTHOUSE_CONFIG_DIR;
}
std::string queue_directory() {
  return POSTHOUSE_QUEUE_DIR;
}
std::string data_directory() {
  return POSTHOUSE_DATA_DIR;
}
std::string version() {
  return POSTHOUSE_VERSION;
}

}  // namespace posthouse::config::layout
