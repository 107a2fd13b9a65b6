#include "lib/config/own_addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "lib/base/text.h"

namespace posthouse::config {

namespace {

std::string canonical(std::string_view text) {
  std::string address(text);
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  for (int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, address.c_str(), bytes.data()) != 1) continue;
    return inet_ntop(family, bytes.data(), out.data(), out.size());
  }
  return "";
}

std::vector<std::string> resolve(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<std::string> addresses;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return addresses;
  for (const addrinfo* it = list; it != nullptr; it = it->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(it->ai_addr, it->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) {
      addresses.push_back(canonical(text.data()));
    }
  }
  freeaddrinfo(list);
  return addresses;
}

bool is_ipv6(std::string_view address) {
  return address.find(':') != std::string_view::npos;
}

bool is_loopback(std::string_view address) {
  return address == "::1" || address.starts_with("127.");
}

std::vector<std::string> addresses_of(const Host& host, std::string_view word) {
  std::vector<std::string> addresses;
  if (word == "all" || word == "loopback-only") {
    for (const InterfaceAddress& interface : host.interfaces) {
      std::string address = canonical(interface.address);
      if (word == "all" || is_loopback(address)) addresses.push_back(std::move(address));
    }
    return addresses;
  }
  if (word.starts_with('[') && word.ends_with(']')) word = word.substr(1, word.size() - 2);
  if (std::string address = canonical(word); !address.empty()) return {address};
  return resolve(std::string(word));
}

}  // namespace

OwnAddresses::OwnAddresses(const Host& host, const Networks& networks) {
  auto protocols = split_list(networks.inet_protocols());
  auto speaks = [&protocols](std::string_view word) {
    return std::ranges::any_of(protocols, [&](const std::string& p) { return p == "all" || p == word; });
  };
  for (const std::string& word : split_list(networks.inet_interfaces())) {
    for (std::string& address : addresses_of(host, word)) {
      if (speaks(is_ipv6(address) ? "ipv6" : "ipv4")) listening_.push_back(std::move(address));
    }
  }
  addresses_ = listening_;
  for (const std::string& word : networks.proxy_interfaces()) {
    for (std::string& address : addresses_of(host, word)) addresses_.push_back(std::move(address));
  }
}

bool OwnAddresses::contains(std::string_view address) const {
  return std::ranges::find(addresses_, canonical(address)) != addresses_.end();
}

}  // namespace posthouse::config
