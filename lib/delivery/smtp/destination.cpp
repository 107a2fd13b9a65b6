#include "lib/delivery/smtp/destination.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include "lib/base/text.h"
#include "lib/mail/host_name.h"

namespace posthouse::delivery::smtp {
namespace {

Failure bad(std::string_view what, std::string_view text) {
  return Failure::deferred("4.3.5", fmt::format("{} in destination: {}", what, text));
}

// "[host]" with an optional ":service".
bool split_bracketed(std::string_view text, Destination& found) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return false;
  std::string_view host = text.substr(1, close - 1);
  if (starts_with_ignoring_case(host, "ipv6:")) host.remove_prefix(5);
  const std::string_view rest = text.substr(close + 1);
  if (!rest.empty() && rest[0] != ':') return false;
  if (rest.size() > 1) found.service = rest.substr(1);
  found.host = host;
  found.is_bracketed = true;
  return true;
}

}  // namespace

Result<Destination> parse_destination(std::string_view text, std::string_view default_service,
                                      bool with_scheme) {
  Destination found{.text = std::string(text), .host = {}, .service = std::string(default_service)};
  if (with_scheme && text.starts_with("unix:")) {
    found.host = text.substr(5);
    found.is_unix = true;
    if (found.host.empty()) return fail(bad("empty path", found.text));
    return found;
  }
  if (with_scheme && text.starts_with("inet:")) text.remove_prefix(5);
  if (text.starts_with('[')) {
    if (!split_bracketed(text, found)) return fail(bad("bad address", found.text));
  } else if (mail::is_valid_ipv6(text)) {
    found.host = text;
  } else {
    const std::size_t colon = text.rfind(':');
    found.host = text.substr(0, colon);
    if (colon != std::string_view::npos && colon + 1 < text.size()) found.service = text.substr(colon + 1);
  }
  if (found.host.empty()) return fail(bad("empty host", found.text));
  return found;
}

std::vector<std::string_view> destinations_of(std::string_view list) {
  return split_any(list, ", \t\r\n");
}

Result<std::uint16_t> port_of(const std::string& service) {
  if (const auto number = parse_int<std::uint16_t>(service); number && *number > 0) return *number;
  servent entry{};
  servent* found = nullptr;
  char buffer[4096];
  if (::getservbyname_r(service.c_str(), "tcp", &entry, buffer, sizeof buffer, &found) == 0 &&
      found != nullptr)
    return ntohs(static_cast<std::uint16_t>(found->s_port));
  return fail(Failure::deferred("4.3.5", fmt::format("unknown service: {}/tcp", service)));
}

}  // namespace posthouse::delivery::smtp
