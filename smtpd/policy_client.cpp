#include "smtpd/policy_client.h"

#include <sys/socket.h>

#include "lib/base/text.h"
#include "lib/dns/host_lookup.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/protocol/policy.h"
#include "lib/runtime/fiber.h"

namespace posthouse::smtpd {
namespace {

// What follows "inet:" or "unix:".
std::string_view place_of(std::string_view endpoint) {
  return endpoint.substr(endpoint.find(':') + 1);
}

Result<runtime::Stream> connect_inet(std::string_view place, Deadline deadline) {
  const std::size_t colon = place.rfind(':');
  std::string host(colon == std::string_view::npos ? "127.0.0.1" : place.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = parse_int<std::uint16_t>(place.substr(colon == std::string_view::npos ? 0 : colon + 1));
  if (!port) return fail(Failure::deferred("4.3.5", "bad port"));
  std::vector<std::string> addresses{host};
  if (!mail::is_ip_address(host)) addresses = dns::native_host_lookup(host, AF_UNSPEC).addresses;
  Result<runtime::Stream> stream = fail(Failure::deferred("4.4.3", "host not found"));
  for (const std::string& address : addresses) {
    stream = runtime::connect_tcp(address, *port, deadline);
    if (stream) break;
  }
  return stream;
}

std::string_view io_text(runtime::Io io) {
  return io == runtime::Io::timeout ? "Connection timed out" : "Connection reset by peer";
}

}  // namespace

std::string PolicyClients::ask(const PolicyService& service, const std::string& request) {
  for (int attempt = 0; attempt < service.try_limit; ++attempt) {
    if (attempt > 1) runtime::sleep_for(service.retry_delay);
    const Deadline deadline = deadline_after(service.timeout);
    auto taken = connection(service, deadline, attempt > 0);
    if (!taken) {
      log::warning("connect to {}: {}", place_of(service.endpoint), taken.error().text);
      if (attempt == 0) runtime::sleep_for(service.retry_delay);
      continue;
    }
    auto action = exchange(*taken, request, deadline);
    if (action) {
      taken->used = std::chrono::steady_clock::now();
      ++taken->requests;
      if (service.request_limit == 0 || taken->requests < service.request_limit) {
        idle_[service.endpoint].push_back(std::move(*taken));
      }
      return *action;
    }
    log::warning("problem talking to server {}: {}", place_of(service.endpoint), action.error().text);
  }
  return service.default_action;
}

Result<PolicyClients::Connection> PolicyClients::connection(const PolicyService& service, Deadline deadline,
                                                            bool wants_new) {
  auto& idle = idle_[service.endpoint];
  const Deadline now = std::chrono::steady_clock::now();
  while (!idle.empty()) {
    Connection taken = std::move(idle.back());
    idle.pop_back();
    const bool is_fresh = now - taken.used < service.max_idle && now - taken.opened < service.max_ttl;
    if (is_fresh && !wants_new && !taken.stream.input_is_waiting()) return taken;
  }
  auto stream = service.endpoint.starts_with("unix:")
                    ? runtime::connect_unix(std::string(place_of(service.endpoint)), deadline)
                    : connect_inet(place_of(service.endpoint), deadline);
  if (!stream) return fail(std::move(stream.error()));
  return Connection{std::move(*stream), now, now, 0};
}

Result<std::string> PolicyClients::exchange(Connection& connection, const std::string& request,
                                            Deadline deadline) {
  connection.stream.write(request);
  runtime::Io io = connection.stream.flush(deadline);
  while (io == runtime::Io::ok) {
    std::size_t used = 0;
    auto action = protocol::parse_policy_reply(connection.stream.buffered(), used);
    if (!action) return fail(std::move(action.error()));
    if (*action) {
      connection.stream.consume(used);
      return std::move(**action);
    }
    io = connection.stream.fill(deadline);
  }
  return fail(Failure::deferred("4.4.2", std::string(io_text(io))));
}

}  // namespace posthouse::smtpd
