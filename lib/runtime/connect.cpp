#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <optional>

#include "lib/runtime/stream.h"

namespace posthouse::runtime {

namespace {

union SocketName {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un path;
  sockaddr_storage storage;
};

std::optional<socklen_t> fill_name(SocketName& name, const std::string& address, std::uint16_t port) {
  name.storage = {};
  if (::inet_pton(AF_INET, address.c_str(), &name.v4.sin_addr) == 1) {
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = htons(port);
    return sizeof name.v4;
  }
  if (::inet_pton(AF_INET6, address.c_str(), &name.v6.sin6_addr) == 1) {
    name.v6.sin6_family = AF_INET6;
    name.v6.sin6_port = htons(port);
    return sizeof name.v6;
  }
  return std::nullopt;
}

Failure refused(int error_number) {
  return Failure::deferred("4.4.1", error_text(error_number));
}

Result<Stream> connect_socket(UniqueFd fd, const SocketName& name, socklen_t size, Deadline deadline) {
  if (::connect(fd.get(), &name.any, size) == 0) return Stream(std::move(fd));
  if (errno != EINPROGRESS && errno != EAGAIN && errno != EINTR) return fail(refused(errno));
  {
    Watch watch(fd.get());
    // The registration itself reports "writable" while the connection is still being made, at times: ask the
    // socket.
    for (;;) {
      const Wake wake = watch.writable(deadline);
      if (wake == Wake::timeout) return fail(refused(ETIMEDOUT));
      if (wake == Wake::cancelled) return fail(refused(ECANCELED));
      int error = 0;
      socklen_t error_size = sizeof error;
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
      if (error != 0) return fail(refused(error));
      SocketName peer{};
      socklen_t peer_size = sizeof peer;
      if (::getpeername(fd.get(), &peer.any, &peer_size) == 0) break;
      if (errno != ENOTCONN) return fail(refused(errno));
    }
  }
  return Stream(std::move(fd));
}

SocketAddress described(const SocketName& name, socklen_t size) {
  SocketAddress out;
  out.family = name.any.sa_family;
  char text[INET6_ADDRSTRLEN] = "";
  if (out.family == AF_INET) {
    ::inet_ntop(AF_INET, &name.v4.sin_addr, text, sizeof text);
    out.address = text;
    out.port = ntohs(name.v4.sin_port);
  } else if (out.family == AF_INET6) {
    out.port = ntohs(name.v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&name.v6.sin6_addr)) {
      ::inet_ntop(AF_INET, &name.v6.sin6_addr.s6_addr[12], text, sizeof text);
      out.family = AF_INET;
    } else {
      ::inet_ntop(AF_INET6, &name.v6.sin6_addr, text, sizeof text);
    }
    out.address = text;
  } else if (out.family == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
    out.address = name.path.sun_path;
  }
  return out;
}

}  // namespace

Result<Stream> connect_tcp(const std::string& address, std::uint16_t port, Deadline deadline,
                           const std::string& source) {
  SocketName name;
  const auto size = fill_name(name, address, port);
  if (!size) return fail(Failure::deferred("4.3.5", "not an IP address: " + address));
  UniqueFd fd(::socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(refused(errno));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!source.empty()) {
    SocketName from;
    const auto from_size = fill_name(from, source, 0);
    if (!from_size || ::bind(fd.get(), &from.any, *from_size) != 0)
      return fail(Failure::deferred(kNoSource, error_text(from_size ? errno : EINVAL)));
  }
  return connect_socket(std::move(fd), name, *size, deadline);
}

Result<Stream> connect_unix(const std::string& path, Deadline deadline) {
  SocketName name;
  name.storage = {};
  name.path.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.path.sun_path) return fail(refused(ENAMETOOLONG));
  path.copy(name.path.sun_path, path.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  // A full listen queue answers EAGAIN and cannot be waited for: try again until the deadline.
  for (;;) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail(refused(errno));
    if (::connect(fd.get(), &name.any, size) == 0) return Stream(std::move(fd));
    if (errno != EAGAIN) return fail(refused(errno));
    if (std::chrono::steady_clock::now() >= deadline) return fail(refused(ETIMEDOUT));
    if (sleep_for(std::chrono::milliseconds(10)) == Wake::cancelled) return fail(refused(ECANCELED));
  }
}

SocketAddress peer_address(int fd) {
  SocketName name{};
  socklen_t size = sizeof name;
  if (::getpeername(fd, &name.any, &size) != 0) return {};
  return described(name, size);
}

SocketAddress local_address(int fd) {
  SocketName name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, &name.any, &size) != 0) return {};
  return described(name, size);
}

}  // namespace posthouse::runtime
