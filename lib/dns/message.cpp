#include "lib/dns/message.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "lib/base/text.h"
#include "lib/mail/host_name.h"

namespace posthouse::dns {
namespace {

constexpr int kMaxPointers = 64;
constexpr int kMaxAliases = 20;

// Reads forward within the packet; every read checks the bound.
class Cursor {
 public:
  Cursor(std::string_view packet, std::size_t at) : packet_(packet), at_(at) {}

  std::size_t at() const { return at_; }
  std::optional<std::uint16_t> u16() {
    if (packet_.size() - at_ < 2) return std::nullopt;
    const auto value = static_cast<std::uint16_t>((byte(at_) << 8) | byte(at_ + 1));
    at_ += 2;
    return value;
  }
  std::optional<std::uint32_t> u32() {
    const auto high = u16();
    const auto low = u16();
    if (!high || !low) return std::nullopt;
    return (static_cast<std::uint32_t>(*high) << 16) | *low;
  }
  std::optional<std::string_view> bytes(std::size_t count) {
    if (packet_.size() - at_ < count) return std::nullopt;
    at_ += count;
    return packet_.substr(at_ - count, count);
  }
  // A name, following compression pointers, which must point backwards.
  std::optional<std::string> name();

 private:
  unsigned byte(std::size_t at) const { return static_cast<unsigned char>(packet_[at]); }
  bool add_label(std::string& name, std::size_t at, std::size_t length) const;

  std::string_view packet_;
  std::size_t at_;
};

bool Cursor::add_label(std::string& name, std::size_t at, std::size_t length) const {
  if (packet_.size() - at < length || name.size() + length + 1 > 255) return false;
  if (!name.empty()) name += '.';
  for (char c : packet_.substr(at, length)) {
    const bool odd = c == '.' || c == 0 || static_cast<unsigned char>(c) <= ' ' || c == 127;
    name += odd ? '?' : c;
  }
  return true;
}

std::optional<std::string> Cursor::name() {
  std::string name;
  std::size_t at = at_;
  std::size_t lowest = at_;
  bool jumped = false;
  for (int pointers = 0; at < packet_.size();) {
    const unsigned length = byte(at);
    if (length == 0) {
      if (!jumped) at_ = at + 1;
      return name.empty() ? "." : name;
    }
    if ((length & 0xC0) == 0xC0) {
      if (at + 1 >= packet_.size() || ++pointers > kMaxPointers) return std::nullopt;
      const std::size_t target = ((length & 0x3F) << 8) | byte(at + 1);
      if (target >= lowest) return std::nullopt;
      if (!jumped) at_ = at + 2;
      jumped = true;
      at = lowest = target;
      continue;
    }
    if ((length & 0xC0) != 0 || !add_label(name, at + 1, length)) return std::nullopt;
    at += 1 + length;
  }
  return std::nullopt;
}

std::optional<std::string> address_text(std::string_view rdata, int family) {
  if (rdata.size() != (family == AF_INET ? 4U : 16U)) return std::nullopt;
  char text[INET6_ADDRSTRLEN];
  if (!::inet_ntop(family, rdata.data(), text, sizeof text)) return std::nullopt;
  return text;
}

std::optional<std::string> joined_strings(std::string_view rdata) {
  if (rdata.empty()) return std::nullopt;
  std::string joined;
  while (!rdata.empty()) {
    const std::size_t length = static_cast<unsigned char>(rdata[0]);
    if (length >= rdata.size()) return std::nullopt;
    joined += rdata.substr(1, length);
    rdata.remove_prefix(1 + length);
  }
  return joined;
}

// Fills value and numbers of a record; false: ignore it. `end` bounds the RDATA; a name in it may point
// elsewhere.
bool read_rdata(Record& record, std::string_view packet, std::size_t begin, std::size_t end) {
  const std::string_view rdata = packet.substr(begin, end - begin);
  Cursor cursor(packet.substr(0, end), begin);
  std::optional<std::string> value;
  switch (record.type) {
    case Type::a:
      value = address_text(rdata, AF_INET);
      break;
    case Type::aaaa:
      value = address_text(rdata, AF_INET6);
      break;
    case Type::txt:
      value = joined_strings(rdata);
      break;
    case Type::tlsa:
      if (rdata.size() > 3) value = rdata;
      break;
    case Type::cname:
    case Type::ns:
    case Type::ptr:
      value = cursor.name();
      break;
    case Type::mx:
      if (rdata.size() < 3) return false;
      record.preference = *cursor.u16();
      value = cursor.name();
      break;
    case Type::srv:
      if (rdata.size() < 7) return false;
      record.preference = *cursor.u16();
      record.weight = *cursor.u16();
      record.port = *cursor.u16();
      value = cursor.name();
      break;
  }
  if (!value) return false;
  record.value = *std::move(value);
  return true;
}

bool is_wanted(std::uint16_t type, Type wanted) {
  return type == static_cast<std::uint16_t>(wanted) || type == static_cast<std::uint16_t>(Type::cname);
}

// One resource record; false: the packet is malformed.
bool read_record(std::string_view packet, Cursor& cursor, Type wanted, std::vector<Record>& records) {
  Record record;
  auto name = cursor.name();
  if (!name) return false;
  const auto type = cursor.u16();
  const auto record_class = cursor.u16();
  const auto ttl = cursor.u32();
  const auto length = cursor.u16();
  if (!type || !record_class || !ttl || !length) return false;
  const std::size_t begin = cursor.at();
  if (!cursor.bytes(*length)) return false;
  if (*record_class != 1 || !is_wanted(*type, wanted)) return true;
  record.name = *std::move(name);
  record.type = static_cast<Type>(*type);
  record.ttl = *ttl;
  if (read_rdata(record, packet, begin, begin + *length)) records.push_back(std::move(record));
  return true;
}

std::string follow_aliases(std::string name, const std::vector<Record>& records) {
  for (int i = 0; i < kMaxAliases; ++i) {
    const auto alias = std::ranges::find_if(records, [&](const Record& record) {
      return record.type == Type::cname && equal_ignoring_case(record.name, name);
    });
    if (alias == records.end()) break;
    name = alias->value;
  }
  return name;
}

}  // namespace

Message parse_message(std::string_view packet, Type wanted) {
  Message message;
  message.malformed = true;
  Cursor cursor(packet, 0);
  const auto header = cursor.bytes(12);
  if (!header) return message;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>((*header)[at]); };
  message.rcode = byte(3) & 15;
  message.authentic = (byte(3) & 0x20) != 0;
  const unsigned questions = (byte(4) << 8U) | byte(5);
  const unsigned answers = (byte(6) << 8U) | byte(7);
  if ((byte(2) & 0x80) == 0 || questions > 1) return message;
  if (questions == 1) {
    auto name = cursor.name();
    if (!name || !cursor.bytes(4)) return message;
    message.final_name = *std::move(name);
  }
  std::vector<Record> records;
  for (unsigned i = 0; i < answers; ++i) {
    if (records.size() >= kRecordLimit) {
      message.too_many = true;
      break;
    }
    if (!read_record(packet, cursor, wanted, records)) return message;
  }
  message.malformed = false;
  message.final_name = follow_aliases(std::move(message.final_name), records);
  for (Record& record : records)
    if (record.type == wanted) message.records.push_back(std::move(record));
  return message;
}

bool is_queryable(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return mail::is_valid_hostname(name);
}

}  // namespace posthouse::dns
