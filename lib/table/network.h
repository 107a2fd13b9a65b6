// IP addresses and CIDR blocks as cidr: tables and mynetworks write them. Pure code.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthouse::table {

struct IpAddress {
  bool is_v6 = false;
  std::array<unsigned char, 16> bytes{};  // the first four for IPv4
  unsigned bits() const { return is_v6 ? 128 : 32; }
};

// "192.0.2.1" (no leading zeros) or IPv6 text; nothing else.
std::optional<IpAddress> parse_ip(std::string_view text);
std::string to_text(const IpAddress& address);

struct Network {
  IpAddress address;
  unsigned prefix = 0;
  // Addresses of the other family never match.
  bool contains(const IpAddress& candidate) const;
};

// "ADDR", "ADDR/LEN", "[ADDR]", "[ADDR]/LEN", "[ADDR/LEN]". `problem` is in the reference's words, without
// ": skipping this rule".
std::optional<Network> parse_network(std::string_view text, std::string& problem);

}  // namespace posthouse::table
