#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "lib/base/failure.h"
#include "lib/config/core_parameters.h"
#include "lib/log/sink.h"
#include "tools/postfix/actions.h"
#include "tools/postfix/parameters.h"

namespace posthouse::postfix_command {

namespace {

std::string rotated_name(const std::string& path, const std::string& suffix_format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char suffix[256] = {};
  // The format is the administrator's own.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  std::strftime(suffix, sizeof suffix, suffix_format.c_str(), &parts);
#pragma GCC diagnostic pop
  return fmt::format("{}.{}", path, suffix);
}

}  // namespace

// Rename, tell those who hold the old file that it is old (they turn to postlogd), let master open the new
// one, and only then compress: nothing is written to the old file any more.
int rotate_log(const Instance& instance) {
  const auto parameters = config::load<Parameters>(instance.main_cf());
  const auto logging = config::load<config::Logging>(instance.main_cf());
  if (!parameters || !logging) return instance.fail("bad log rotation parameters in main.cf");
  const std::string& path = (*logging)->maillog_file();
  if (path.empty())
    return instance.fail("maillog_file is empty: the log is not in a file of the mail system");
  if (path.starts_with("/dev/")) return instance.fail(fmt::format("not rotating {}", path));
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return instance.fail(fmt::format("{}: {}", path, error_text(errno)));
  const std::string old = rotated_name(path, (*parameters)->maillog_file_rotate_suffix());
  if (std::rename(path.c_str(), old.c_str()) != 0) {
    return instance.fail(fmt::format("rename {} to {}: {}", path, old, error_text(errno)));
  }
  log::mark_rotated(old);
  if (const pid_t pid = instance.master_pid(); pid != 0) ::kill(pid, SIGHUP);
  const int result = run_program({(*parameters)->maillog_file_compressor(), old});
  if (result != 0) {
    return instance.fail(
        fmt::format("{} {}: exit status {}", (*parameters)->maillog_file_compressor(), old, result));
  }
  return 0;
}

}  // namespace posthouse::postfix_command
