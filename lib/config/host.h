// What a parameter default may know of the machine: its name and its network interfaces.
//
// Passed as a value so that tests choose the machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthouse::config {

struct InterfaceAddress {
  std::string address;  // "192.0.2.7", "2001:db8::7"
  int prefix_length = 32;
  bool is_ipv6 = false;
};

struct Host {
  std::string name;  // gethostname()
  std::vector<InterfaceAddress> interfaces;

  static Host system();

  // mynetworks for style "host", "subnet" or "class", as main.cf text: "127.0.0.0/8 [::1]/128".
  // `inet_interfaces` and `inet_protocols` are the expanded parameters.
  std::string mynetworks(std::string_view style, std::string_view inet_interfaces,
                         std::string_view inet_protocols) const;
};

}  // namespace posthouse::config
