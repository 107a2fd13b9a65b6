#include "master/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "lib/base/text.h"

namespace posthouse::master {

namespace {

constexpr int kBacklog = 4096;

// Acts as the owner of the mail system while UNIX sockets are made in directories that belong to it.
class ActingAs {
 public:
  explicit ActingAs(const Owner* owner) : is_other_(owner != nullptr) {
    if (is_other_ && (::setegid(owner->gid) != 0 || ::seteuid(owner->uid) != 0)) error_ = errno;
  }
  ~ActingAs() {
    if (is_other_ && (::seteuid(0) != 0 || ::setegid(::getgid()) != 0)) ::_exit(1);
  }
  int error() const { return error_; }

 private:
  bool is_other_;
  int error_ = 0;
};

struct InetAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = 0;
  std::string text;
  std::uint16_t port = 0;
};

Failure service_failure(const config::MasterEntry& entry, std::string text) {
  return Failure::deferred("4.3.5", fmt::format("service \"{}\" (master.cf line {}): {}", entry.name,
                                                entry.line, std::move(text)));
}

// Numeric addresses of one host name (or the wildcards for an empty one), in the enabled families.
Result<std::vector<InetAddress>> resolve(const std::string& host, const std::string& port,
                                         const Settings& settings, const config::MasterEntry& entry) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = settings.use_ipv4 && settings.use_ipv6 ? AF_UNSPEC
                    : settings.use_ipv4                    ? AF_INET
                                                           : AF_INET6;
  addrinfo* raw = nullptr;
  const int status = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &raw);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, &::freeaddrinfo);
  if (status != 0) {
    return fail(service_failure(entry, fmt::format("cannot find the address of \"{}\" port \"{}\": {}", host,
                                                   port, ::gai_strerror(status))));
  }
  std::vector<InetAddress> addresses;
  for (const addrinfo* item = raw; item != nullptr; item = item->ai_next) {
    InetAddress address;
    std::memcpy(&address.storage, item->ai_addr, item->ai_addrlen);
    address.size = item->ai_addrlen;
    address.family = item->ai_family;
    char text[NI_MAXHOST], number[NI_MAXSERV];
    if (::getnameinfo(item->ai_addr, item->ai_addrlen, text, sizeof text, number, sizeof number,
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
      continue;
    }
    address.text = text;
    address.port = parse_int<std::uint16_t>(number).value_or(0);
    addresses.push_back(std::move(address));
  }
  return addresses;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

// A family that the machine does not have gives an empty descriptor.
Result<UniqueFd> bind_inet(const InetAddress& address) {
  UniqueFd fd(::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd && errno == EAFNOSUPPORT) return UniqueFd();
  if (!fd) return fail(Failure::system("socket", errno));
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    if (errno == EADDRNOTAVAIL && address.family == AF_INET6) return UniqueFd();
    return fail(Failure::system(fmt::format("bind {} port {}", address.text, address.port), errno));
  }
  if (::listen(fd.get(), kBacklog) != 0) {
    return fail(Failure::system(fmt::format("listen {} port {}", address.text, address.port), errno));
  }
  return fd;
}

std::optional<UniqueFd> taken_over(const std::string& key, const ListenersByKey& open_now) {
  const auto found = open_now.find(key);
  if (found == open_now.end()) return std::nullopt;
  UniqueFd fd(::fcntl(found->second, F_DUPFD_CLOEXEC, 0));
  if (!fd) return std::nullopt;
  return fd;
}

// The key tells services with port 0 apart, because each of them has a socket of its own.
std::string inet_key(const InetAddress& address, const config::MasterEntry& entry) {
  const std::string key = fmt::format("inet:{}:{}", address.text, address.port);
  return address.port == 0 ? key + "#" + entry.name : key;
}

Result<std::vector<Listener>> open_inet(const config::MasterEntry& entry, const Settings& settings,
                                        const ListenersByKey& open_now) {
  const auto name = config::parse_inet_name(entry.name);
  if (!name) return fail(service_failure(entry, "bad service name"));
  std::vector<std::string> hosts{name->host};
  if (name->host.empty() && !settings.inet_interfaces.empty()) hosts = settings.inet_interfaces;
  std::vector<Listener> listeners;
  for (const std::string& host : hosts) {
    auto addresses = resolve(host, name->port, settings, entry);
    if (!addresses) return fail(std::move(addresses.error()));
    for (const InetAddress& address : *addresses) {
      Listener listener{.key = inet_key(address, entry), .address = address.text};
      if (auto fd = taken_over(listener.key, open_now)) {
        listener.fd = std::move(*fd);
      } else {
        auto made = bind_inet(address);
        if (!made) return fail(std::move(made.error()));
        if (!*made) continue;
        listener.fd = std::move(*made);
      }
      listener.port = bound_port(listener.fd.get());
      listeners.push_back(std::move(listener));
    }
  }
  if (listeners.empty())
    return fail(service_failure(entry, "this machine has none of the addresses to listen on"));
  return listeners;
}

Result<UniqueFd> bind_unix(const std::string& path, int type) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(Failure::system("socket", errno));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Failure::system("bind " + path, ENAMETOOLONG));
  std::memcpy(address.sun_path, path.data(), path.size());
  ::unlink(path.c_str());
  // The mode of the descriptor becomes the mode of the name: no chmod by name, which could follow a link.
  ::fchmod(fd.get(), 0666);
  const mode_t mask = ::umask(0);
  const int status = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(mask);
  if (status != 0) return fail(Failure::system("bind " + path, error));
  if (type == SOCK_STREAM && ::listen(fd.get(), kBacklog) != 0) {
    return fail(Failure::system("listen " + path, errno));
  }
  return fd;
}

Result<UniqueFd> make_fifo(const std::string& path) {
  ::unlink(path.c_str());
  const mode_t mask = ::umask(0);
  const int status = ::mkfifo(path.c_str(), 0622);
  const int error = errno;
  ::umask(mask);
  if (status != 0) return fail(Failure::system("mkfifo " + path, error));
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail(Failure::system("open " + path, errno));
  return fd;
}

Result<std::vector<Listener>> open_local(const config::MasterEntry& entry, const Owner* owner,
                                         const ListenersByKey& open_now) {
  const std::string path = entry.socket_path();
  const bool is_datagram = entry.type == config::ServiceType::unix_dgram;
  const bool is_fifo = entry.type == config::ServiceType::fifo;
  Listener listener{.key = fmt::format("{}:{}",
                                       is_datagram ? "dgram"
                                       : is_fifo   ? "fifo"
                                                   : "unix",
                                       path),
                    .address = path};
  if (auto fd = taken_over(listener.key, open_now)) {
    listener.fd = std::move(*fd);
  } else {
    const ActingAs owner_of_mail(owner);
    if (owner_of_mail.error() != 0) return fail(Failure::system("change user", owner_of_mail.error()));
    auto made = is_fifo ? make_fifo(path) : bind_unix(path, is_datagram ? SOCK_DGRAM : SOCK_STREAM);
    if (!made) return fail(std::move(made.error()));
    listener.fd = std::move(*made);
  }
  std::vector<Listener> listeners;
  listeners.push_back(std::move(listener));
  return listeners;
}

}  // namespace

Result<std::vector<Listener>> open_listeners(const config::MasterEntry& entry, const Settings& settings,
                                             const Owner* owner, const ListenersByKey& open_now) {
  if (entry.type == config::ServiceType::inet) return open_inet(entry, settings, open_now);
  return open_local(entry, owner, open_now);
}

}  // namespace posthouse::master
