// Next-hop text of the queue manager, taken apart: "example.com", "[mail.example.com]:587",
// "example.com:submission", "unix:private/dovecot-lmtp", "inet:[::1]:24". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.h"

namespace posthouse::delivery::smtp {

struct Destination {
  std::string text;           // as written
  std::string host;           // without brackets; a path for is_unix
  std::string service;        // name or number
  bool is_bracketed = false;  // no MX lookup
  bool is_unix = false;
};

// An entry of a next-hop list. The failure (4.3.5) says what is wrong. `with_scheme`: "unix:" and "inet:"
// have their meaning (LMTP).
Result<Destination> parse_destination(std::string_view text, std::string_view default_service,
                                      bool with_scheme);

// The entries of "host1, [host2]:port".
std::vector<std::string_view> destinations_of(std::string_view list);

// The port of a service name or number. Reads /etc/services for names (blocking, short).
Result<std::uint16_t> port_of(const std::string& service);

}  // namespace posthouse::delivery::smtp
