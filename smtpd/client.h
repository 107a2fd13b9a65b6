// Who is connected: addresses, and the names found for them (compat logging.md 7).
#pragma once

#include <cstdint>
#include <string>

namespace posthouse::smtpd {

// How the look-up of a name ended; a restriction answers 4xx or 5xx by it.
enum class NameStatus : unsigned char { ok, forged, temporary, permanent };

struct Client {
  std::string name = "unknown";          // verified: its address is that of the client
  std::string reverse_name = "unknown";  // from the PTR record, not verified
  NameStatus name_status = NameStatus::permanent;
  NameStatus reverse_name_status = NameStatus::permanent;
  std::string address;  // "192.0.2.1", "2001:db8::1"
  std::string port;
  std::string server_address, server_port;
  int family = 0;
  bool logs_port = false;  // smtpd_client_port_logging

  // NAME[ADDR], as all log lines have it.
  std::string label() const {
    std::string text = name + '[' + address + ']';
    if (logs_port) text += ':' + port;
    return text;
  }
  bool is_ipv6() const { return address.find(':') != std::string::npos; }
  // As in SMTP: "IPv6:2001:db8::1" in headers.
  std::string header_address() const { return (is_ipv6() ? "IPv6:" : "") + address; }
};

}  // namespace posthouse::smtpd
