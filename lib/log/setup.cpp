#include "lib/log/setup.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/unique_fd.h"
#include "lib/log/logger.h"

namespace posthouse::log {

namespace {

constexpr std::array<std::pair<std::string_view, int>, 20> kFacilities{{
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
    {"ftp", LOG_FTP},       {"kern", LOG_KERN},         {"lpr", LOG_LPR},       {"mail", LOG_MAIL},
    {"news", LOG_NEWS},     {"syslog", LOG_SYSLOG},     {"user", LOG_USER},     {"uucp", LOG_UUCP},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},     {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
}};

bool may_append(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  return static_cast<bool>(fd);
}

std::unique_ptr<Sink> sink_for(const Setup& setup) {
  if (setup.maillog_file.empty()) return syslog_sink();
  if (setup.inherited_fd >= 0) {
    return fd_sink(setup.inherited_fd,
                   setup.postlog_socket.empty() ? nullptr : postlog_sink(setup.postlog_socket));
  }
  const bool is_device = setup.maillog_file.starts_with("/dev/");
  if (!is_device && may_append(setup.maillog_file)) return file_sink(setup.maillog_file);
  if (!setup.postlog_socket.empty() && DatagramSocket(setup.postlog_socket).connect()) {
    return postlog_sink(setup.postlog_socket);
  }
  if (setup.to_terminal) return nullptr;
  if (is_device && may_append(setup.maillog_file)) return file_sink(setup.maillog_file);
  return syslog_sink();
}

}  // namespace

int facility_number(std::string_view name) {
  const auto found = std::ranges::find(kFacilities, name, &std::pair<std::string_view, int>::first);
  return found == kFacilities.end() ? -1 : found->second;
}

void open(const Setup& setup) {
  Logger& log = logger();
  log.clear_sinks();
  const int facility = facility_number(setup.syslog_facility);
  log.set_identity(setup.syslog_name + "/" + setup.program, facility < 0 ? LOG_MAIL : facility);
  if (!setup.hostname.empty()) log.set_host(setup.hostname.substr(0, setup.hostname.find('.')));
  log.set_keep_utf8(setup.keep_utf8);
  log.set_buffered(setup.buffered);
  if (setup.to_terminal) log.add_sink(terminal_sink(STDERR_FILENO, setup.program, setup.terminal_least));
  if (auto sink = sink_for(setup)) log.add_sink(std::move(sink));
}

}  // namespace posthouse::log
