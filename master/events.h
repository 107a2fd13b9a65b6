// The log lines of master.
#pragma once

#include <fmt/format.h>
#include <sys/types.h>

#include <string>
#include <string_view>

namespace posthouse::master::events {

inline std::string started(std::string_view version, std::string_view directory) {
  return fmt::format("daemon started -- version {}, configuration {}", version, directory);
}
inline std::string reloaded(std::string_view version, std::string_view directory) {
  return fmt::format("reload -- version {}, configuration {}", version, directory);
}
inline std::string terminating(int signal_number) {
  return fmt::format("terminating on signal {}", signal_number);
}
inline std::string exit_status(std::string_view path, pid_t pid, int status) {
  return fmt::format("process {} pid {} exit status {}", path, pid, status);
}
inline std::string killed(std::string_view path, pid_t pid, int signal_number) {
  return fmt::format("process {} pid {} killed by signal {}", path, pid, signal_number);
}
inline std::string throttled(std::string_view path) {
  return fmt::format("{}: bad command startup -- throttling", path);
}
inline std::string limit_reached(std::string_view name, std::string_view where, std::size_t limit) {
  return fmt::format(
      "service \"{}\" ({}) has reached its process limit \"{}\": new clients may experience noticeable "
      "delays",
      name, where, limit);
}
inline std::string rootless(std::string_view user) {
  return fmt::format("running as user {}: no chroot, no change of user", user);
}

}  // namespace posthouse::master::events
