// Fields of inter-process messages: one struct per message, one field list, from which encoder
// and decoder come (see messages/*.h).
//
//   struct Query {
//     static constexpr std::string_view kName = "verify.query";
//     std::string address;
//     std::uint32_t flags = 0;
//     template <class Self, class Fn> static void each_field(Self& self, Fn&& field) {
//       field("address", self.address);
//       field("flags", self.flags);
//     }
//   };
//
// Encoding: unsigned integers, booleans and enums as base-128 (least significant group first), signed ones
// zigzag first; strings as length + bytes; vector as count + elements; optional as 0/1 + value; structs as
// their fields. Left-over bytes, truncation, and counts larger than the bytes that follow are errors:
// decode() says no.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace posthouse::ipc {

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  template <class T>
  void operator()(std::string_view, const T& value) {
    put(value);
  }

 private:
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    out_ += static_cast<char>(value);
  }
  void put(std::string_view value) {
    varint(value.size());
    out_ += value;
  }
  void put(const std::string& value) { put(std::string_view(value)); }
  template <class T>
  requires std::is_integral_v<T>
  void put(T value) {
    if constexpr (std::is_signed_v<T>) {
      const auto wide = static_cast<std::int64_t>(value);
      varint((static_cast<std::uint64_t>(wide) << 1) ^ static_cast<std::uint64_t>(wide >> 63));
    } else {
      varint(value);
    }
  }
  template <class T>
  requires std::is_enum_v<T>
  void put(T value) { put(static_cast<std::uint64_t>(value)); }
  template <class T>
  void put(const std::optional<T>& value) {
    varint(value ? 1 : 0);
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    varint(values.size());
    for (const T& value : values) put(value);
  }
  template <class T>
  requires requires(const T& value, Encoder& encoder) { T::each_field(value, encoder); }
  void put(const T& value) { T::each_field(value, *this); }

  std::string& out_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(std::string_view, T& value) {
    if (ok_) get(value);
  }
  // All fields were there and nothing is left over.
  bool is_complete() const { return ok_ && bytes_.empty(); }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  void get(std::string_view& value) {  // into the bytes that are decoded
    const std::uint64_t size = varint();
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return;
    }
    value = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(static_cast<std::size_t>(size));
  }
  void get(std::string& value) {
    std::string_view text;
    get(text);
    value.assign(text);
  }
  template <class T>
  requires std::is_integral_v<T>
  void get(T& value) {
    const std::uint64_t raw = varint();
    if constexpr (std::is_signed_v<T>) {
      const auto wide = static_cast<std::int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
      value = static_cast<T>(wide);
      ok_ = ok_ && static_cast<std::int64_t>(value) == wide;
    } else {
      value = static_cast<T>(raw);
      ok_ = ok_ && static_cast<std::uint64_t>(value) == raw;
    }
  }
  template <class T>
  requires std::is_enum_v<T>
  void get(T& value) {
    std::uint64_t raw = 0;
    get(raw);
    value = static_cast<T>(raw);
    ok_ = ok_ && static_cast<std::uint64_t>(value) == raw;
  }
  template <class T>
  void get(std::optional<T>& value) {
    const std::uint64_t there = varint();
    if (there > 1) ok_ = false;
    value.reset();
    if (ok_ && there == 1) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& values) {
    const std::uint64_t count = varint();
    if (!ok_ || count > bytes_.size()) {
      ok_ = false;
      return;
    }
    values.clear();
    for (std::uint64_t i = 0; i < count && ok_; ++i) get(values.emplace_back());
  }
  template <class T>
  requires requires(T& value, Decoder& decoder) { T::each_field(value, decoder); }
  void get(T& value) { T::each_field(value, *this); }

  std::string_view bytes_;
  bool ok_ = true;
};

template <class Message>
void encode(const Message& message, std::string& out) {
  Encoder encoder(out);
  Message::each_field(message, encoder);
}

template <class Message>
std::optional<Message> decode(std::string_view bytes) {
  Message message;
  Decoder decoder(bytes);
  Message::each_field(message, decoder);
  if (!decoder.is_complete()) return std::nullopt;
  return message;
}

}  // namespace posthouse::ipc
