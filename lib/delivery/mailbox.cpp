#include "lib/delivery/mailbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>

#include "lib/base/text.h"
#include "lib/delivery/safe_path.h"
#include "lib/mail/quote.h"
#include "lib/queuefile/content_reader.h"
#include "lib/runtime/fiber.h"
#include "lib/runtime/offload.h"

namespace posthouse::delivery {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr std::size_t kChunk = 64 * 1024;

std::atomic<unsigned> delivery_count{0};

// Quota and size limits are the recipient's affair; everything else is ours, and passes.
Failure mailbox_failure(int error, std::string text) {
  if (error == EDQUOT || error == EFBIG) return Failure::bounced("5.2.2", std::move(text));
  return Failure::deferred("4.2.0", std::move(text));
}

Failure corrupt_content(const Failure& why) {
  return why.is_permanent() ? Failure::deferred("4.3.0", "unreadable mail queue entry") : why;
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  std::string safe(name);
  // As in the Maildir description: "/" and ":" cannot stand in the name.
  for (char& c : safe) {
    if (c == '/' || c == ':') c = '_';
  }
  return safe;
}

// Writes the copy; stops with EFBIG beyond `limit` bytes.
class CopyWriter {
 public:
  CopyWriter(int fd, std::uint64_t room) : fd_(fd), room_(room) {}

  std::expected<void, int> put(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() >= kChunk ? flush() : std::expected<void, int>{};
  }
  std::expected<void, int> flush() {
    if (buffer_.size() > room_) return std::unexpected(EFBIG);
    room_ -= buffer_.size();
    for (std::string_view rest = buffer_; !rest.empty();) {
      const ssize_t count = ::write(fd_, rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return std::unexpected(errno);
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    buffer_.clear();
    return {};
  }

 private:
  int fd_;
  std::uint64_t room_;
  std::string buffer_;
};

struct CopyError {
  int error = 0;                   // of the mailbox
  std::optional<Failure> content;  // of the queue file
};
using CopyResult = std::expected<void, CopyError>;

CopyResult copy_error(int error) {
  return std::unexpected(CopyError{error, std::nullopt});
}

// Headers and content, LF line ends; "From " lines are quoted in mbox files.
CopyResult write_message(const MailboxCopy& copy, CopyWriter& out, bool quotes_from) {
  for (const std::string& line : copy.headers) {
    if (auto put = out.put(line + "\n"); !put) return copy_error(put.error());
  }
  queuefile::ContentReader reader(*copy.file, copy.data_offset);
  bool at_line_start = true;
  for (;;) {
    auto piece = reader.next();
    if (!piece) return std::unexpected(CopyError{0, piece.error()});
    if (!*piece) break;
    const std::string_view text = (*piece)->text;
    if (quotes_from && at_line_start && text.starts_with("From ")) {
      if (auto put = out.put(">"); !put) return copy_error(put.error());
    }
    at_line_start = (*piece)->ends_line;
    if (auto put = out.put(text); !put) return copy_error(put.error());
    if (at_line_start) {
      if (auto put = out.put("\n"); !put) return copy_error(put.error());
    }
  }
  if (!at_line_start) {
    if (auto put = out.put("\n"); !put) return copy_error(put.error());
  }
  return {};
}

// --- Maildir ----------------------------------------------------------------------------------------

struct Maildir {
  UniqueFd temporary, fresh;
};

std::expected<Maildir, int> open_maildir(const MailboxCopy& copy) {
  auto temporary = open_directory_below(copy.base, copy.path + "tmp", kDirectoryMode);
  if (!temporary) return std::unexpected(temporary.error());
  auto fresh = open_directory_below(copy.base, copy.path + "new", kDirectoryMode);
  if (!fresh) return std::unexpected(fresh.error());
  if (auto seen = open_directory_below(copy.base, copy.path + "cur", kDirectoryMode); !seen) {
    return std::unexpected(seen.error());
  }
  return Maildir{std::move(*temporary), std::move(*fresh)};
}

// The time is that of the delivery; the name is unique by device and inode.
std::string final_name(int fd, const std::string& host) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return {};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return fmt::format("{}.V{:x}I{:x}M{}.{}", now.tv_sec, status.st_dev, status.st_ino, now.tv_nsec / 1000,
                     host);
}

bool rename_new(int from, const std::string& old_name, int to, const std::string& new_name) {
  if (::renameat2(from, old_name.c_str(), to, new_name.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (::linkat(from, old_name.c_str(), to, new_name.c_str(), 0) != 0) return false;
  ::unlinkat(from, old_name.c_str(), 0);
  return true;
}

Failure maildir_failure(const std::string& path, const CopyError& why) {
  if (why.content) return corrupt_content(*why.content);
  return mailbox_failure(why.error, fmt::format("maildir delivery failed: create maildir file {}: {}", path,
                                                error_text(why.error)));
}

CopyResult fill_maildir(const MailboxCopy& copy, const Maildir& maildir, const std::string& name,
                        const std::string& host) {
  UniqueFd file(::openat(maildir.temporary.get(), name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!file) return copy_error(errno);
  CopyWriter out(file.get(), copy.limit == 0 ? UINT64_MAX : copy.limit);
  CopyResult written = write_message(copy, out, false);
  if (written) {
    if (auto flushed = out.flush(); !flushed) written = copy_error(flushed.error());
  }
  if (written && ::fsync(file.get()) != 0) written = copy_error(errno);
  if (written) {
    const std::string final = final_name(file.get(), host);
    if (!rename_new(maildir.temporary.get(), name, maildir.fresh.get(), final)) {
      written = copy_error(errno);
    } else if (::fsync(maildir.fresh.get()) != 0) {
      written = copy_error(errno);
      ::unlinkat(maildir.fresh.get(), final.c_str(), 0);
      return written;
    }
  }
  if (!written) ::unlinkat(maildir.temporary.get(), name.c_str(), 0);
  return written;
}

// --- mbox -------------------------------------------------------------------------------------------

// A lock file beside the mailbox; removed with the object.
class DotLock {
 public:
  DotLock(int directory, std::string name) : directory_(directory), name_(std::move(name)) {}
  ~DotLock() {
    if (is_held_) ::unlinkat(directory_, name_.c_str(), 0);
  }
  DotLock(const DotLock&) = delete;
  DotLock& operator=(const DotLock&) = delete;

  // 0, EEXIST when somebody else has it, or why it cannot be made.
  int take(std::chrono::seconds stale) {
    const UniqueFd file(
        ::openat(directory_, name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0));
    is_held_ = static_cast<bool>(file);
    if (is_held_) return 0;
    const int error = errno;
    struct stat status {};
    if (error == EEXIST && ::fstatat(directory_, name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_mtime + stale.count() < std::time(nullptr)) {
      ::unlinkat(directory_, name_.c_str(), 0);
    }
    return error;
  }

 private:
  int directory_;
  std::string name_;
  bool is_held_ = false;
};

// Locks of the open file, not of the process: two deliveries of one process must exclude each other, too.
int lock_file(int fd, const MailboxLock& lock) {
  if (lock.fcntl) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_OFD_SETLK, &whole) != 0) return errno == EACCES ? EAGAIN : errno;
  }
  if (lock.flock && ::flock(fd, LOCK_EX | LOCK_NB) != 0) return errno;
  return 0;
}

Failure locked() {
  return Failure::deferred("4.2.0", std::string(kLocked));
}

Failure mbox_failure(const MailboxCopy& copy, int error, const std::string& what) {
  return mailbox_failure(
      error, fmt::format("cannot update mailbox {} for user {}. {}", copy.full_path(), copy.user, what));
}

std::string from_line(std::string_view sender) {
  const std::time_t now = std::time(nullptr);
  std::tm broken{};
  ::localtime_r(&now, &broken);
  char text[32] = {};
  std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &broken);
  return fmt::format("From {}  {}\n", sender.empty() ? "MAILER-DAEMON" : mail::to_external(sender), text);
}

// Is this a file that mail may be appended to?
std::optional<Failure> refusal(const MailboxCopy& copy, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return mbox_failure(copy, EPERM, "file is not a regular file");
  if (status.st_nlink > 1) return mbox_failure(copy, EPERM, "file has multiple hard links");
  if (copy.must_own && UserRights::can_switch() && status.st_uid != copy.owner.uid) {
    return Failure::deferred("4.2.0",
                             fmt::format("destination {} is not owned by recipient", copy.full_path()));
  }
  return std::nullopt;
}

CopyResult append_message(const MailboxCopy& copy, int fd, off_t old_size) {
  const auto used = static_cast<std::uint64_t>(old_size);
  if (copy.limit != 0 && used >= copy.limit) return copy_error(EFBIG);
  CopyWriter out(fd, copy.limit == 0 ? UINT64_MAX : copy.limit - used);
  if (auto put = out.put(from_line(copy.sender)); !put) return copy_error(put.error());
  if (auto written = write_message(copy, out, true); !written) return written;
  if (auto put = out.put("\n"); !put) return copy_error(put.error());
  if (auto flushed = out.flush(); !flushed) return copy_error(flushed.error());
  if (::fsync(fd) != 0) return copy_error(errno);
  return {};
}

}  // namespace

Result<void> deliver_to_maildir_blocking(const MailboxCopy& copy) {
  const UserRights rights(copy.owner);
  if (!rights.taken()) return rights.taken();
  const std::string host = host_name();
  const std::string name =
      fmt::format("{}.P{}Q{}.{}", std::time(nullptr), ::getpid(), ++delivery_count, host);
  const std::string shown = copy.full_path() + "tmp/" + name;
  const auto maildir = open_maildir(copy);
  if (!maildir) return fail(maildir_failure(shown, {maildir.error(), std::nullopt}));
  if (auto filled = fill_maildir(copy, *maildir, name, host); !filled) {
    return fail(maildir_failure(shown, filled.error()));
  }
  return {};
}

Result<void> deliver_to_mbox_blocking(const MailboxCopy& copy) {
  const UserRights rights(copy.owner);
  if (!rights.taken()) return rights.taken();
  const auto [parent, name] = split_path(copy.path);
  const auto directory = open_directory_below(copy.base, parent, kDirectoryMode);
  if (!directory)
    return fail(mbox_failure(copy, directory.error(), "cannot open file: " + error_text(directory.error())));
  DotLock dotlock(directory->get(), std::string(name) + ".lock");
  if (copy.lock.dotlock) {
    const int error = dotlock.take(copy.lock.stale);
    if (error == EEXIST) return fail(locked());
    if (error != 0) {
      return fail(mbox_failure(
          copy, error,
          fmt::format("unable to create lock file {}.lock: {}", copy.full_path(), error_text(error))));
    }
  }
  const UniqueFd file(::openat(directory->get(), std::string(name).c_str(),
                               O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                               kFileMode));
  if (!file) return fail(mbox_failure(copy, errno, "cannot open file: " + error_text(errno)));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return fail(mbox_failure(copy, errno, "cannot open file: " + error_text(errno)));
  if (auto refused = refusal(copy, status)) return fail(std::move(*refused));
  if (const int error = lock_file(file.get(), copy.lock); error != 0) {
    if (error == EAGAIN || error == EWOULDBLOCK) return fail(locked());
    return fail(mbox_failure(copy, error, "unable to lock for exclusive access: " + error_text(error)));
  }
  if (::fstat(file.get(), &status) != 0) return fail(mbox_failure(copy, errno, error_text(errno)));
  if (auto written = append_message(copy, file.get(), status.st_size); !written) {
    // What is left over would be read as part of the message before.
    (void)!::ftruncate(file.get(), status.st_size);
    if (written.error().content) return fail(corrupt_content(*written.error().content));
    return fail(mbox_failure(copy, written.error().error,
                             "error writing message: " + error_text(written.error().error)));
  }
  if (status.st_size == 0 && ::fsync(directory->get()) != 0 && errno != EINVAL) {
    return fail(mbox_failure(copy, errno, error_text(errno)));
  }
  return {};
}

Result<void> deliver_to_mailbox(const MailboxCopy& copy) {
  if (copy.is_maildir()) return runtime::offload([&copy] { return deliver_to_maildir_blocking(copy); });
  // Quick at first: another delivery holds the lock for a moment, a mail reader for longer.
  const Deadline end = deadline_after(copy.lock.attempts * copy.lock.delay);
  Duration pause = std::chrono::milliseconds(20);
  for (;; pause = std::min<Duration>(2 * pause, copy.lock.delay)) {
    auto result = runtime::offload([&copy] { return deliver_to_mbox_blocking(copy); });
    if (result || result.error().text != kLocked) return result;
    if (std::chrono::steady_clock::now() >= end) {
      return fail(mbox_failure(copy, EAGAIN, "unable to lock for exclusive access: " + error_text(EAGAIN)));
    }
    if (runtime::sleep_for(pause) == runtime::Wake::cancelled) {
      return fail(Failure::deferred("4.3.2", "mail system is stopping"));
    }
  }
}

std::optional<MailboxLock> MailboxLock::parse(const std::vector<std::string>& words) {
  MailboxLock lock{.fcntl = false};
  for (const std::string& word : words) {
    if (word == "fcntl") {
      lock.fcntl = true;
    } else if (word == "flock") {
      lock.flock = true;
    } else if (word == "dotlock") {
      lock.dotlock = true;
    } else {
      return std::nullopt;
    }
  }
  return lock;
}

std::vector<std::string> delivery_headers(const MailboxCopy& copy, std::string_view original,
                                          std::string_view delivered_to) {
  std::vector<std::string> lines{"Return-Path: <" + mail::to_external(copy.sender) + ">"};
  if (copy.names_original && !original.empty())
    lines.push_back("X-Original-To: " + mail::to_external(original));
  if (!delivered_to.empty()) lines.push_back("Delivered-To: " + mail::to_external(delivered_to));
  return lines;
}

}  // namespace posthouse::delivery
