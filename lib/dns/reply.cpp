#include <fmt/format.h>

#include "lib/dns/resolver.h"

namespace posthouse::dns {

std::string_view name_of(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::cname:
      return "CNAME";
    case Type::ns:
      return "NS";
    case Type::ptr:
      return "PTR";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::srv:
      return "SRV";
    case Type::tlsa:
      return "TLSA";
  }
  return "?";
}

std::string_view Reply::reason() const {
  switch (outcome) {
    case Outcome::found:
      return "Success";
    case Outcome::no_data:
      return "Host found but no data record of requested type";
    case Outcome::no_host:
      return "Host not found";
    case Outcome::temporary:
      break;
  }
  if (filter == FilterEnd::dropped_all) return "DNS reply filter drops all results";
  if (filter == FilterEnd::failed) return "Invalid DNS reply filter syntax";
  return malformed ? "Malformed or unexpected name server reply" : "Host not found, try again";
}

std::string Reply::text() const {
  return fmt::format("{} name={} type={}: {}",
                     filter == FilterEnd::none ? "Host or domain name not found. Name service error for"
                                               : "Error looking up",
                     name, name_of(type), reason());
}

}  // namespace posthouse::dns
