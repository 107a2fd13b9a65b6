#include "lib/mail/host_name.h"

#include <arpa/inet.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mail/idn.h"

namespace posthouse::mail {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxLabel = 63;

bool is_valid_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

}  // namespace

bool is_valid_hostname(std::string_view name, bool allow_utf8) {
  if (allow_utf8 && !is_ascii(name)) {
    const auto ascii = to_ascii_domain(name);
    return ascii && is_valid_hostname(*ascii);
  }
  if (name.empty() || name.size() > kMaxName) return false;
  bool has_letter = false;
  std::size_t start = 0;
  while (true) {
    const std::size_t dot = std::min(name.find('.', start), name.size());
    const std::string_view label = name.substr(start, dot - start);
    if (!is_valid_label(label)) return false;
    has_letter = has_letter || label.find_first_not_of("0123456789") != std::string_view::npos;
    if (dot == name.size()) break;
    start = dot + 1;
  }
  return has_letter;
}

bool is_valid_ipv4(std::string_view text) {
  const auto octets = split(text, '.');
  if (octets.size() != 4) return false;
  for (const std::string_view octet : octets) {
    if (octet.empty() || octet.size() > 3 || !std::all_of(octet.begin(), octet.end(), is_digit)) return false;
    if (parse_int<int>(octet).value_or(256) > 255) return false;
  }
  return true;
}

bool is_valid_ipv6(std::string_view text) {
  in6_addr address;
  if (text.size() > 45 || text.find(':') == std::string_view::npos) return false;
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_ip_address(std::string_view text) {
  return is_valid_ipv4(text) || is_valid_ipv6(text);
}

bool is_address_literal(std::string_view text, std::string* address) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  std::string_view inside = text.substr(1, text.size() - 2);
  bool is_valid = false;
  if (starts_with_ignoring_case(inside, "IPv6:")) {
    inside.remove_prefix(5);
    is_valid = is_valid_ipv6(inside);
  } else {
    is_valid = is_valid_ipv4(inside);
  }
  if (is_valid && address != nullptr) *address = inside;
  return is_valid;
}

bool is_fqdn(std::string_view name, bool allow_utf8) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  return name.find('.') != std::string_view::npos && is_valid_hostname(name, allow_utf8);
}

}  // namespace posthouse::mail
