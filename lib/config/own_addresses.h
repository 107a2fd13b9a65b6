// The network addresses by which this host is known: user@[address] is local, and mail for a host with one
// of them would come back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/config/core_parameters.h"

namespace posthouse::config {

class OwnAddresses {
 public:
  OwnAddresses() = default;
  // From inet_interfaces, inet_protocols and proxy_interfaces. Blocking when a name must be resolved.
  OwnAddresses(const Host& host, const Networks& networks);
  explicit OwnAddresses(std::vector<std::string> addresses) : addresses_(std::move(addresses)) {}

  // Addresses of inet_interfaces only (no proxies).
  const std::vector<std::string>& listening() const { return listening_; }
  // `address` without brackets or "IPv6:".
  bool contains(std::string_view address) const;

 private:
  std::vector<std::string> listening_;
  std::vector<std::string> addresses_;  // canonical text
};

}  // namespace posthouse::config
