#include "lib/queuefile/record.h"

#include <fmt/format.h>

#include "lib/base/text.h"

namespace posthouse::queuefile {

namespace {
constexpr std::size_t kMaxLengthBytes = 4;  // a fifth group could overflow 31 bits
}

void append_record(std::string& out, RecordType type, std::string_view data) {
  char head[1 + 10];
  std::size_t used = 0;
  head[used++] = static_cast<char>(type);
  std::size_t rest = data.size();
  do {
    const unsigned group = rest & 0x7f;
    rest >>= 7;
    head[used++] = static_cast<char>(rest ? group | 0x80 : group);
  } while (rest);
  out.append(head, used);
  out.append(data);
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  std::string text;
  text.reserve(name.size() + 1 + value.size());
  text.append(name).append(1, '=').append(value);
  append_record(out, RecordType::attribute, text);
}

std::string padded_number(std::int64_t number) {
  return fmt::format("{:>15}", number);
}

void append_pointer(std::string& out, std::int64_t target) {
  append_record(out, RecordType::pointer, padded_number(target));
}

std::string_view to_text(DecodeError error) {
  switch (error) {
    case DecodeError::type_zero:
      return "record type 0";
    case DecodeError::length_bits:
      return "unusually many length bits in record";
    case DecodeError::length_limit:
      return "record length exceeds limit";
    case DecodeError::truncated:
      return "unexpected end of file in record";
  }
  return "bad record";
}

Decoded decode_record(std::string_view bytes, std::size_t limit) {
  Decoded result;
  if (bytes.empty()) {
    result.need = 2;
    return result;
  }
  result.type = static_cast<RecordType>(bytes[0]);
  if (bytes[0] == '\0') {
    result.error = DecodeError::type_zero;
    return result;
  }
  std::size_t length = 0;
  for (std::size_t at = 1;; ++at) {
    if (at > kMaxLengthBytes) {
      result.error = DecodeError::length_bits;
      return result;
    }
    if (at >= bytes.size()) {
      result.need = at + 1;
      return result;
    }
    const auto byte = static_cast<unsigned char>(bytes[at]);
    length |= static_cast<std::size_t>(byte & 0x7f) << (7 * (at - 1));
    if (byte & 0x80) continue;
    if (length > limit) {
      result.error = DecodeError::length_limit;
    } else if (bytes.size() - at - 1 < length) {
      result.need = at + 1 + length;
    } else {
      result.data = bytes.substr(at + 1, length);
      result.size = at + 1 + length;
    }
    return result;
  }
}

std::optional<AttributeText> parse_attribute(std::string_view data) {
  const auto equals = data.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const AttributeText text{trim(data.substr(0, equals)), trim(data.substr(equals + 1))};
  if (text.name.empty() || text.value.empty()) return std::nullopt;
  for (char c : text.name) {
    if (!is_alnum(c) && c != '_') return std::nullopt;
  }
  return text;
}

std::optional<std::int64_t> parse_padded_number(std::string_view data) {
  return parse_int<std::int64_t>(trim(data));
}

}  // namespace posthouse::queuefile
