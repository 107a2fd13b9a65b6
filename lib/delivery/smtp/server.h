// One address of one mail server to try, and how logs name it.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "lib/base/text.h"

namespace posthouse::delivery::smtp {

inline constexpr std::uint16_t kSmtpPort = 25;

struct Server {
  std::string host;     // name as in the DNS, or myhostname for a UNIX socket
  std::string address;  // numeric, or the path of a UNIX socket
  std::uint16_t port = 0;
  unsigned preference = 0;
  bool is_unix = false;
  bool is_ipv6 = false;
  bool is_best = true;  // of the best preference: a connection may be reused for the whole destination

  std::string name() const { return fmt::format("{}[{}]", host, address); }
  std::string name_and_port() const {
    return is_unix ? name() : fmt::format("{}[{}]:{}", host, address, port);
  }
};

}  // namespace posthouse::delivery::smtp
