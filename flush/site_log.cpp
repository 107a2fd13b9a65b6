#include "flush/site_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_set>

#include "lib/base/text.h"
#include "lib/base/unique_fd.h"
#include "lib/log/log.h"

namespace posthouse::flush {

namespace {

constexpr std::size_t kReadLimit = 64 * 1024 * 1024;
constexpr std::size_t kNameLimit = 200;

Result<UniqueFd> open_locked(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(Failure::system("open " + path, errno));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(Failure::system("lock " + path, errno));
  }
  return fd;
}

std::string read_all(int fd) {
  std::string text;
  char block[64 * 1024];
  for (ssize_t size = 0; text.size() < kReadLimit && (size = ::read(fd, block, sizeof block)) > 0;) {
    text.append(block, static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace

std::string log_name(std::string_view site) {
  std::string name = lower(site.substr(0, kNameLimit));
  for (char& c : name) c = is_alnum(c) ? c : '_';
  return name;
}

LoggedIds parse_site_log(std::string_view text) {
  LoggedIds logged;
  std::unordered_set<std::string_view> seen;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty() || !seen.insert(line).second) continue;
    if (auto id = queuefile::QueueId::parse(line)) {
      logged.ids.push_back(std::move(*id));
    } else {
      ++logged.malformed;
    }
  }
  return logged;
}

Result<void> SiteLogs::add_blocking(std::string_view site, const queuefile::QueueId& id) const {
  const std::string log = log_name(site);
  auto fd = open_locked(path(log), O_WRONLY | O_APPEND | O_CREAT);
  if (!fd) return fail(std::move(fd.error()));
  const std::string line = id.text() + "\n";
  if (::write(fd->get(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) return {};
  return fail(Failure::system("write " + path(log), errno));
}

bool SiteLogs::move_to_incoming(const queuefile::QueueId& id, Time now) const {
  for (const std::string_view queue : {queuefile::queue::kDeferred, queuefile::queue::kIncoming}) {
    const std::string from = layout_.path(queue, id);
    const auto status = files_.status(from);
    if (!status || !status->is_ready()) continue;
    if (!files_.set_times(from, now)) continue;
    if (queue == queuefile::queue::kIncoming) return true;
    return layout_.move(files_, queue, queuefile::queue::kIncoming, id).has_value();
  }
  return false;
}

Result<std::size_t> SiteLogs::flush_blocking(const std::string& log, Time now) const {
  auto fd = open_locked(path(log), O_RDWR);
  if (!fd && errno == ENOENT) return 0;
  if (!fd) return fail(std::move(fd.error()));
  const LoggedIds logged = parse_site_log(read_all(fd->get()));
  if (logged.malformed > 0) log::warning("{}: {} lines are no queue ids", path(log), logged.malformed);
  std::size_t moved = 0;
  for (const queuefile::QueueId& id : logged.ids) moved += move_to_incoming(id, now) ? 1 : 0;
  if (::ftruncate(fd->get(), 0) != 0) return fail(Failure::system("truncate " + path(log), errno));
  return moved;
}

bool SiteLogs::flush_message_blocking(const queuefile::QueueId& id, Time now) const {
  for (const std::string_view queue : {queuefile::queue::kDeferred, queuefile::queue::kIncoming}) {
    const std::string name = layout_.path(queue, id);
    const auto status = files_.status(name);
    // The bit tells the queue manager that somebody wants this message tried whatever it knows of the
    // destination.
    if (status && status->is_ready())
      static_cast<void>(files_.set_mode(name, status->permissions() | S_IRGRP));
  }
  return move_to_incoming(id, now);
}

std::size_t SiteLogs::tidy_blocking(const Limits& limits, Time now) const {
  std::size_t moved = 0;
  const auto names = files_.list(folder_);
  if (!names) return 0;
  for (const std::string& name : *names) {
    struct stat status {};
    if (::lstat(path(name).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const std::int64_t seconds = unix_seconds(now);
    if (status.st_size == 0 && status.st_mtime + limits.purge.count() < seconds) {
      ::unlink(path(name).c_str());
    } else if (status.st_size > 0 && status.st_atime + limits.refresh.count() < seconds) {
      moved += flush_blocking(name, now).value_or(0);
    }
  }
  return moved;
}

}  // namespace posthouse::flush
