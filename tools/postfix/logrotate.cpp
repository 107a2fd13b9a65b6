#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <thread>

#include "lib/base/failure.h"
#include "lib/config/core_parameters.h"
#include "lib/log/sink.h"
#include "tools/postfix/actions.h"
#include "tools/postfix/parameters.h"

namespace posthouse::postfix_command {

namespace {

using namespace std::chrono_literals;

constexpr auto kOnTheirWay = 1s;

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

// Master makes the new file, with its own rights, when it is told to read its configuration again.
bool wait_for_new_log(const std::string& path) {
  for (int tries = 0; tries < 500; ++tries) {
    if (::access(path.c_str(), F_OK) == 0) return true;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

}  // namespace

// Rename, let master open the new file, tell those who hold the old one that it is old (they turn to
// postlogd, which has the new one), and compress when the lines that were on their way have been written.
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
  const pid_t master = instance.master_pid();
  if (master != 0) {
    ::kill(master, SIGHUP);
    if (!wait_for_new_log(path)) return instance.fail(fmt::format("master did not open a new {}", path));
  }
  log::mark_rotated(old);
  if (master != 0) std::this_thread::sleep_for(kOnTheirWay);
  const int result = run_program({(*parameters)->maillog_file_compressor(), old});
  if (result != 0) {
    return instance.fail(
        fmt::format("{} {}: exit status {}", (*parameters)->maillog_file_compressor(), old, result));
  }
  return 0;
}

}  // namespace posthouse::postfix_command
