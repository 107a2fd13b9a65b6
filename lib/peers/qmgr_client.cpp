#include "lib/peers/qmgr_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/ipc/messages/qmgr.h"

namespace posthouse::peers {
namespace {

constexpr int kRetryPause = 20;  // ms

Failure unreachable(const std::string& path, const std::string& why) {
  return Failure::deferred("4.3.0", "connect to " + path + ": " + why);
}

// Services of type "fifo", as in master.cf files that have been kept for long.
bool is_fifo(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

Result<void> write_to_fifo(const std::string& path, std::string_view bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!fd || ::write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    return fail(unreachable(path, error_text(errno)));
  }
  return {};
}

}  // namespace

Result<void> QmgrClient::arrived(const std::vector<std::string>& queue_ids) {
  // The queue manager never says anything: what can be read is the end of the connection.
  if (connection_ && connection_->stream().input_is_waiting()) connection_.reset();
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!connection_) {
      auto stream = runtime::connect_unix(path_, deadline_after(timeout_));
      if (!stream && is_fifo(path_)) return write_to_fifo(path_, "I");
      if (!stream) return fail(unreachable(path_, stream.error().text));
      connection_.emplace(std::move(*stream));
    }
    for (const auto& id : queue_ids) connection_->send(ipc::QmgrArrived{id});
    if (connection_->flush(deadline_after(timeout_))) return {};
    connection_.reset();
  }
  return fail(unreachable(path_, "lost connection"));
}

Result<void> QmgrClient::trigger(std::string_view bytes) const {
  if (is_fifo(path_)) return write_to_fifo(path_, bytes);
  auto stream = runtime::connect_unix(path_, deadline_after(timeout_));
  if (!stream) return fail(unreachable(path_, stream.error().text));
  stream->write(bytes);
  if (stream->flush(deadline_after(timeout_)) != runtime::Io::ok) {
    return fail(unreachable(path_, error_text(stream->last_error())));
  }
  return {};
}

Result<void> QmgrClient::trigger_blocking(const std::string& path, std::string_view bytes,
                                          std::chrono::milliseconds timeout) {
  if (is_fifo(path)) return write_to_fifo(path, bytes);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(unreachable(path, error_text(ENAMETOOLONG)));
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(unreachable(path, error_text(errno)));
  // A UNIX socket connects at once, or its listener's queue is full.
  const Deadline end = deadline_after(timeout);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EAGAIN || std::chrono::steady_clock::now() >= end)
      return fail(unreachable(path, error_text(errno)));
    ::poll(nullptr, 0, kRetryPause);
  }
  pollfd writable{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&writable, 1, static_cast<int>(timeout.count())) <= 0) {
    return fail(unreachable(path, error_text(ETIMEDOUT)));
  }
  if (::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
    return fail(unreachable(path, error_text(errno)));
  }
  return {};
}

}  // namespace posthouse::peers
