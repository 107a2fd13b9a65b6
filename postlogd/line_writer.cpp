#include "postlogd/line_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/base/text.h"

namespace posthouse::postlogd {

namespace {

constexpr std::size_t kPendingLimit = 1024 * 1024;
constexpr std::size_t kStampSize = 16;  // "Nov 05 06:38:53 "

int level_of(std::string_view text) {
  if (text.starts_with("warning: ")) return LOG_WARNING;
  if (text.starts_with("error: ")) return LOG_ERR;
  if (text.starts_with("fatal: ") || text.starts_with("panic: ")) return LOG_CRIT;
  return LOG_INFO;
}

}  // namespace

void append_lines(std::string& out, std::string_view datagram) {
  for (const std::string_view raw : split(datagram, '\n')) {
    const std::string_view line = raw.substr(0, std::min(raw.find('\0'), kLineLimit));
    if (line.empty()) continue;
    out += printable(line);
    out += '\n';
  }
}

std::string syslog_form(std::string_view line, int facility) {
  const std::size_t host_end = line.size() > kStampSize ? line.find(' ', kStampSize) : std::string_view::npos;
  if (host_end == std::string_view::npos) return fmt::format("<{}>{}", facility | LOG_INFO, line);
  const std::string_view rest = line.substr(host_end + 1);
  const std::size_t text = rest.find(": ");
  const int level = text == std::string_view::npos ? LOG_INFO : level_of(rest.substr(text + 2));
  return fmt::format("<{}>{}{}", facility | level, line.substr(0, kStampSize), rest);
}

LineWriter::LineWriter(std::string path, int inherited, int facility, std::string syslog_socket)
    : path_(std::move(path)), inherited_(inherited), facility_(facility), syslog_(std::move(syslog_socket)) {}

void LineWriter::add(std::string_view datagram) {
  append_lines(pending_, datagram);
  if (pending_.size() > kPendingLimit) flush();
}

void LineWriter::flush() {
  if (pending_.empty()) return;
  path_.empty() ? send_syslog() : write_file();
  pending_.clear();
}

void LineWriter::follow_rotation() {
  const int current = reopened_ ? reopened_.get() : inherited_;
  if (current >= 0 && !log::is_marked_rotated(current)) return;
  UniqueFd fresh(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  if (fresh) reopened_ = std::move(fresh);
}

void LineWriter::write_file() {
  follow_rotation();
  const int fd = reopened_ ? reopened_.get() : inherited_;
  for (std::string_view left = pending_; fd >= 0 && !left.empty();) {
    const ssize_t done = ::write(fd, left.data(), left.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    left.remove_prefix(static_cast<std::size_t>(done));
  }
}

void LineWriter::send_syslog() {
  for (const std::string_view line : split(pending_, '\n')) {
    if (!line.empty() && !syslog_.send(syslog_form(line, facility_))) return;
  }
}

}  // namespace posthouse::postlogd
