#include "lib/table/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lib/base/text.h"

namespace posthouse::table {
namespace {

void clear_host_bits(IpAddress& address, unsigned prefix) {
  for (unsigned bit = prefix; bit < address.bits(); ++bit) {
    auto& byte = address.bytes[bit / 8];
    byte = static_cast<unsigned char>(byte & ~(0x80U >> (bit % 8)));
  }
}

// Inside of "[x]" with what follows appended ("[x]/8" -> "x/8"); false with a problem.
bool strip_brackets(std::string_view text, std::string& bare, std::string& problem) {
  bare = text;
  if (!text.starts_with('[')) return true;
  const auto close = text.find(']');
  if (close == std::string_view::npos) {
    problem = fmt::format("missing ']' character after \"{}\"", text);
    return false;
  }
  const auto rest = text.substr(close + 1);
  if (!rest.empty() && rest.front() != '/') {
    problem = fmt::format("garbage after \"{}\"", text.substr(0, close + 1));
    return false;
  }
  bare = std::string(text.substr(1, close - 1)) + std::string(rest);
  return true;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.empty() || text.size() > 45) return std::nullopt;
  std::array<char, 48> copy{};
  std::memcpy(copy.data(), text.data(), text.size());
  IpAddress out;
  out.is_v6 = text.find(':') != std::string_view::npos;
  if (::inet_pton(out.is_v6 ? AF_INET6 : AF_INET, copy.data(), out.bytes.data()) != 1) return std::nullopt;
  return out;
}

std::string to_text(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  return text.data();
}

bool Network::contains(const IpAddress& candidate) const {
  if (candidate.is_v6 != address.is_v6) return false;
  const unsigned whole = prefix / 8;
  if (std::memcmp(candidate.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xFF00U >> rest & 0xFFU;
  return (candidate.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

std::optional<Network> parse_network(std::string_view text, std::string& problem) {
  std::string bare;
  if (!strip_brackets(text, bare, problem)) return std::nullopt;
  const auto slash = bare.find('/');
  const auto address = parse_ip(std::string_view(bare).substr(0, slash));
  Network out;
  if (slash != std::string::npos) {
    const auto mask = std::string_view(bare).substr(slash + 1);
    const auto length = std::ranges::all_of(mask, is_digit) ? parse_int<unsigned>(mask) : std::nullopt;
    if (!length) {
      problem = fmt::format("bad mask value in \"{}\"", text);
      return std::nullopt;
    }
    out.prefix = *length;
  }
  if (!address) {
    problem = fmt::format("bad address pattern: \"{}\"", text);
    return std::nullopt;
  }
  out.address = *address;
  if (slash == std::string::npos) out.prefix = address->bits();
  if (out.prefix > address->bits()) {
    problem = fmt::format("bad mask length in \"{}\"", text);
    return std::nullopt;
  }
  IpAddress cleared = *address;
  clear_host_bits(cleared, out.prefix);
  if (cleared.bytes != address->bytes) {
    problem = fmt::format("non-null host address bits in \"{}\", perhaps you should use \"{}/{}\" instead",
                          text, to_text(cleared), out.prefix);
    return std::nullopt;
  }
  return out;
}

}  // namespace posthouse::table
