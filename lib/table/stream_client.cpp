#include "lib/table/stream_client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "lib/base/text.h"
#include "lib/runtime/offload.h"

namespace posthouse::table {
namespace {

struct Address {
  std::string text;
  std::uint16_t port = 0;
};

std::expected<std::vector<Address>, std::string> resolve_blocking(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* raw = nullptr;
  const int error = ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &raw);
  if (error != 0)
    return std::unexpected(
        fmt::format("host or service {} not found: {}", endpoint.text, ::gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, &::freeaddrinfo);
  std::vector<Address> out;
  for (const addrinfo* info = raw; info != nullptr; info = info->ai_next) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(info->ai_addr, info->ai_addrlen, host.data(), host.size(), port.data(), port.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0)
      continue;
    out.push_back({host.data(), parse_int<std::uint16_t>(port.data()).value_or(0)});
  }
  return out;
}

Failure io_failure(runtime::Io io, const runtime::Stream& stream) {
  switch (io) {
    case runtime::Io::eof:
      return Failure::deferred("4.3.0", "lost connection");
    case runtime::Io::timeout:
      return Failure::deferred("4.3.0", error_text(ETIMEDOUT));
    case runtime::Io::cancelled:
      return Failure::deferred("4.3.0", "cancelled");
    default:
      return Failure::deferred("4.3.0", error_text(stream.last_error()));
  }
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text, std::string_view default_port) {
  Endpoint out;
  out.text = text;
  if (starts_with_ignoring_case(text, "unix:")) {
    out.is_unix = true;
    out.host = text.substr(5);
    if (out.host.empty()) return std::nullopt;
    return out;
  }
  if (starts_with_ignoring_case(text, "inet:")) text.remove_prefix(5);
  out.text = text;
  std::string_view host = text, port = default_port;
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (port.empty()) return std::nullopt;
  out.host = host.empty() ? "localhost" : host;
  out.port = port;
  return out;
}

Result<runtime::Stream> connect_endpoint(const Endpoint& endpoint, Deadline deadline) {
  if (endpoint.is_unix) return runtime::connect_unix(endpoint.host, deadline);
  auto addresses = runtime::offload([&] { return resolve_blocking(endpoint); });
  if (!addresses) return fail(Failure::deferred("4.3.0", addresses.error()));
  Result<runtime::Stream> last = fail(Failure::deferred("4.3.0", "no address found"));
  for (const Address& address : *addresses) {
    last = runtime::connect_tcp(address.text, address.port, deadline);
    if (last) break;
  }
  return last;
}

Result<std::string> read_line(runtime::Stream& stream, std::size_t limit, Deadline deadline) {
  for (;;) {
    const auto end = stream.buffered().find('\n');
    if (end != std::string_view::npos) {
      std::string line(stream.buffered().substr(0, end));
      stream.consume(end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (stream.buffered().size() >= limit)
      return fail(Failure::deferred("4.3.0", "line of the server is too long"));
    if (const auto io = stream.fill(deadline, limit); io != runtime::Io::ok)
      return fail(io_failure(io, stream));
  }
}

Result<std::string> read_bytes(runtime::Stream& stream, std::size_t count, Deadline deadline) {
  std::string out;
  while (out.size() < count) {
    if (stream.buffered().empty()) {
      if (const auto io = stream.fill(deadline); io != runtime::Io::ok) return fail(io_failure(io, stream));
    }
    const auto take = std::min(count - out.size(), stream.buffered().size());
    out += stream.buffered().substr(0, take);
    stream.consume(take);
  }
  return out;
}

Result<void> send(runtime::Stream& stream, std::string_view bytes, Deadline deadline) {
  stream.write(bytes);
  if (const auto io = stream.flush(deadline); io != runtime::Io::ok) return fail(io_failure(io, stream));
  return {};
}

}  // namespace posthouse::table
