#include "lib/config/host.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/base/text.h"
#include "lib/config/param_set.h"

namespace posthouse::config {

namespace {

int prefix_of(const unsigned char* mask, std::size_t size) {
  int bits = 0;
  for (std::size_t i = 0; i < size; ++i) bits += __builtin_popcount(mask[i]);
  return bits;
}

std::optional<InterfaceAddress> address_of(const ifaddrs& interface) {
  if (interface.ifa_addr == nullptr || (interface.ifa_flags & IFF_UP) == 0) return std::nullopt;
  int family = interface.ifa_addr->sa_family;
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  auto bytes = [family](const sockaddr* address) {
    std::array<unsigned char, 16> out{};
    if (family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, address, sizeof in);
      std::memcpy(out.data(), &in.sin_addr, 4);
    } else {
      sockaddr_in6 in{};
      std::memcpy(&in, address, sizeof in);
      std::memcpy(out.data(), &in.sin6_addr, 16);
    }
    return out;
  };
  std::size_t size = family == AF_INET ? 4 : 16;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(family, bytes(interface.ifa_addr).data(), text.data(), text.size()) == nullptr)
    return std::nullopt;
  int prefix = static_cast<int>(size) * 8;
  if (interface.ifa_netmask != nullptr) prefix = prefix_of(bytes(interface.ifa_netmask).data(), size);
  return InterfaceAddress{.address = text.data(), .prefix_length = prefix, .is_ipv6 = family == AF_INET6};
}

}  // namespace

Host Host::system() {
  Host host;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) host.name = name.data();
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return host;
  for (const ifaddrs* it = list; it != nullptr; it = it->ifa_next) {
    if (auto address = address_of(*it)) host.interfaces.push_back(*address);
  }
  freeifaddrs(list);
  return host;
}

namespace {

bool is_loopback(const InterfaceAddress& interface) {
  return interface.is_ipv6 ? interface.address == "::1" : interface.address.starts_with("127.");
}

int network_prefix(const InterfaceAddress& interface, std::string_view style) {
  if (interface.is_ipv6) return style == "host" || interface.address == "::1" ? 128 : interface.prefix_length;
  if (interface.address.starts_with("127.")) return 8;
  if (style == "subnet") return interface.prefix_length;
  if (style == "host") return 32;
  const int first =
      parse_int<int>(std::string_view(interface.address).substr(0, interface.address.find('.'))).value_or(0);
  return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 4;
}

std::string network(const InterfaceAddress& interface, int prefix) {
  int family = interface.is_ipv6 ? AF_INET6 : AF_INET;
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(family, interface.address.c_str(), bytes.data()) != 1) return "";
  for (int bit = prefix; bit < (interface.is_ipv6 ? 128 : 32); ++bit) {
    bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<unsigned char>(~(0x80 >> (bit % 8)));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, bytes.data(), text.data(), text.size());
  return fmt::format("{}{}{}/{}", interface.is_ipv6 ? "[" : "", text.data(), interface.is_ipv6 ? "]" : "",
                     prefix);
}

bool listens_on(const std::vector<std::string>& wanted, const InterfaceAddress& interface) {
  for (const std::string& word : wanted) {
    if (word == "all" || (word == "loopback-only" && is_loopback(interface))) return true;
    if (word == interface.address || word == "[" + interface.address + "]") return true;
    if (word == "localhost" && is_loopback(interface)) return true;
  }
  return false;
}

}  // namespace

std::string Host::mynetworks(std::string_view style, std::string_view inet_interfaces,
                             std::string_view inet_protocols) const {
  auto wanted = split_list(inet_interfaces);
  auto protocols = split_list(inet_protocols);
  auto speaks = [&protocols](std::string_view word) {
    return std::ranges::any_of(protocols, [&](const std::string& p) { return p == "all" || p == word; });
  };
  std::vector<std::string> networks;
  for (bool ipv6 : {false, true}) {
    for (const InterfaceAddress& interface : interfaces) {
      if (interface.is_ipv6 != ipv6 || !speaks(ipv6 ? "ipv6" : "ipv4") || !listens_on(wanted, interface))
        continue;
      std::string text = network(interface, network_prefix(interface, style));
      if (!text.empty() && std::ranges::find(networks, text) == networks.end()) networks.push_back(text);
    }
  }
  return fmt::format("{}", fmt::join(networks, " "));
}

}  // namespace posthouse::config
