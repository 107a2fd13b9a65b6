// Syntax of host names and address literals; no look-ups.
//
// Host name: labels of 1 to 63 letters, digits, "-", "_", no "-" at the ends of a label, at most 255 bytes,
// no trailing dot, not all digits and dots. With allow_utf8 a name in UTF-8 counts as its ASCII form (idn.h).
#pragma once

#include <string>
#include <string_view>

namespace posthouse::mail {

bool is_valid_hostname(std::string_view name, bool allow_utf8 = false);
bool is_valid_ipv4(std::string_view text);  // four decimal octets, nothing else
bool is_valid_ipv6(std::string_view text);  // no brackets, no "IPv6:"
bool is_ip_address(std::string_view text);
// "[1.2.3.4]" or "[IPv6:::1]"; `address` receives the bare text.
bool is_address_literal(std::string_view text, std::string* address = nullptr);
// At least one dot inside (a trailing dot does not count) and a valid host name.
bool is_fqdn(std::string_view name, bool allow_utf8 = false);

}  // namespace posthouse::mail
