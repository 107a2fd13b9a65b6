// Reads DNS responses (RFC 1035 and friends) as they come off the wire. Pure.
//
// Never trusts a length or a compression pointer: records that are too short for their type are ignored,
// after kRecordLimit records the rest is dropped (and said so), a broken packet is "malformed". No
// recursion. Names keep their case, have no trailing dot (the root is "."), and bytes that cannot stand in
// a name become '?'. Used by Resolver.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::dns {

enum class Type : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  tlsa = 52
};

inline constexpr std::size_t kRecordLimit = 100;

struct Record {
  std::string name;  // owner
  Type type = Type::a;
  std::uint32_t ttl = 0;         // seconds
  std::uint16_t preference = 0;  // MX preference, SRV priority
  std::uint16_t weight = 0;      // SRV
  std::uint16_t port = 0;        // SRV
  // A, AAAA: numeric address; MX, PTR, CNAME, SRV: name; TXT: the strings joined; TLSA: usage, selector,
  // matching type as three bytes, then the association data.
  std::string value;
};

struct Message {
  bool malformed = false;
  bool too_many = false;  // records were dropped
  int rcode = 0;
  bool authentic = false;       // AD bit
  std::string final_name;       // the question's name after the CNAME records of the answer
  std::vector<Record> records;  // of the answer section: those of the wanted type
};

Message parse_message(std::string_view packet, Type wanted);

// A name that may be looked up: a valid host name, perhaps with a leading "*" label (they do occur in DNS
// data), without trailing dot; not an IP address. Non-ASCII bytes are accepted.
bool is_queryable(std::string_view name);

}  // namespace posthouse::dns
