#include "lib/log/sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace posthouse::log {

namespace {

int level_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return LOG_INFO;
    case Severity::warning:
      return LOG_WARNING;
    case Severity::error:
      return LOG_ERR;
    case Severity::fatal:
    case Severity::panic:
      return LOG_CRIT;
  }
  return LOG_INFO;
}

// One write for everything; a short write (disk full, pipe) is continued.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

class SyslogSink : public Sink {
 public:
  explicit SyslogSink(std::string path) : socket_(std::move(path)) {}
  void add(const Identity& who, const Line& line) override {
    datagrams_.push_back(fmt::format("<{}>{} {}[{}]: {}", who.facility | level_of(line.severity),
                                     stamp_.at(line.time), who.ident, who.pid, line.text));
    pending_ += datagrams_.back().size();
  }
  void flush() override {
    for (const std::string& datagram : datagrams_) {
      if (!socket_.send(datagram)) break;
    }
    discard();
  }
  void discard() override {
    datagrams_.clear();
    pending_ = 0;
  }
  std::size_t pending() const override { return pending_; }

 private:
  DatagramSocket socket_;
  StampCache stamp_;
  std::vector<std::string> datagrams_;
  std::size_t pending_ = 0;
};

// Collects "stamp host ident[pid]: text\n" lines; what becomes of them is the derived class's.
class LineSink : public Sink {
 public:
  void add(const Identity& who, const Line& line) override {
    fmt::format_to(std::back_inserter(lines_), "{} {} {}[{}]: {}\n", stamp_.at(line.time), who.host,
                   who.ident, who.pid, line.text);
  }
  void flush() override {
    if (lines_.empty()) return;
    (void)write(lines_);
    lines_.clear();
  }
  void discard() override { lines_.clear(); }
  std::size_t pending() const override { return lines_.size(); }
  // Lines that another sink framed already. False when they are lost.
  bool take(std::string_view lines) { return write(lines); }

 protected:
  virtual bool write(std::string_view lines) = 0;

 private:
  StampCache stamp_;
  std::string lines_;
};

bool pass_on(Sink* fallback, std::string_view lines) {
  auto* sink = dynamic_cast<LineSink*>(fallback);
  return sink != nullptr && sink->take(lines);
}

class FdSink : public LineSink {
 public:
  FdSink(int fd, std::unique_ptr<Sink> fallback) : fd_(fd), fallback_(std::move(fallback)) {}

 protected:
  bool write(std::string_view lines) override {
    left_ = fallback_ && (left_ || is_marked_rotated(fd_));
    if (left_ && pass_on(fallback_.get(), lines)) return true;
    return write_all(fd_, lines) || (!left_ && pass_on(fallback_.get(), lines));
  }

 private:
  int fd_;
  bool left_ = false;
  std::unique_ptr<Sink> fallback_;
};

class FileSink : public LineSink {
 public:
  explicit FileSink(std::string path) : path_(std::move(path)) {}

 protected:
  bool write(std::string_view lines) override {
    const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
    return fd && write_all(fd.get(), lines);
  }

 private:
  std::string path_;
};

class PostlogSink : public LineSink {
 public:
  PostlogSink(std::string path, std::unique_ptr<Sink> fallback)
      : socket_(std::move(path)), fallback_(std::move(fallback)) {}

 protected:
  bool write(std::string_view lines) override {
    while (!lines.empty()) {
      std::size_t size = lines.size();
      if (size > kBatchLimit) size = lines.rfind('\n', kBatchLimit - 1) + 1;
      if (!socket_.send(lines.substr(0, size - 1))) return pass_on(fallback_.get(), lines);
      lines.remove_prefix(size);
    }
    return true;
  }

 private:
  DatagramSocket socket_;
  std::unique_ptr<Sink> fallback_;
};

class TerminalSink : public Sink {
 public:
  TerminalSink(int fd, std::string program, Severity least)
      : fd_(fd), program_(std::move(program)), least_(least) {}
  void add(const Identity&, const Line& line) override {
    if (line.severity < least_) return;
    fmt::format_to(std::back_inserter(lines_), "{}: {}\n", program_, line.text);
  }
  void flush() override {
    write_all(fd_, lines_);
    lines_.clear();
  }
  void discard() override { lines_.clear(); }
  std::size_t pending() const override { return lines_.size(); }

 private:
  int fd_;
  std::string program_;
  Severity least_;
  std::string lines_;
};

}  // namespace

bool DatagramSocket::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  fd_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd_) return false;
  const timeval timeout{kSendTimeout.count(), 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  const int buffer = 512 * 1024;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  fd_.reset();
  return false;
}

bool DatagramSocket::send(std::string_view datagram) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!fd_ && !connect()) return false;
    for (;;) {
      if (::send(fd_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0) return true;
      if (errno != EINTR) break;
    }
    if (errno == EAGAIN || errno == EMSGSIZE) return false;
    fd_.reset();
  }
  return false;
}

bool is_marked_rotated(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IXUSR) != 0;
}

bool mark_rotated(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::chmod(path.c_str(), (status.st_mode & 07777) | S_IXUSR) == 0;
}

std::unique_ptr<Sink> syslog_sink(std::string path) {
  return std::make_unique<SyslogSink>(std::move(path));
}
std::unique_ptr<Sink> fd_sink(int fd, std::unique_ptr<Sink> fallback) {
  return std::make_unique<FdSink>(fd, std::move(fallback));
}
std::unique_ptr<Sink> file_sink(std::string path) {
  return std::make_unique<FileSink>(std::move(path));
}
std::unique_ptr<Sink> postlog_sink(std::string path, std::unique_ptr<Sink> fallback) {
  return std::make_unique<PostlogSink>(std::move(path), std::move(fallback));
}
std::unique_ptr<Sink> terminal_sink(int fd, std::string program, Severity least) {
  return std::make_unique<TerminalSink>(fd, std::move(program), least);
}

}  // namespace posthouse::log
