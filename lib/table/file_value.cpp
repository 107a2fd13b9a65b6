#include "lib/table/file_value.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "lib/base/text.h"
#include "lib/table/file_text.h"

namespace posthouse::table {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encoded(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8) | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kAlphabet[(group >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    std::size_t padding = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const char c = text[i + k];
      const auto value = kAlphabet.find(c);
      if (c == '=' && i + 4 == text.size() && k >= 2)
        ++padding;
      else if (value == std::string_view::npos || padding > 0)
        return std::nullopt;
      group = (group << 6) | static_cast<std::uint32_t>(c == '=' ? 0 : value);
    }
    for (std::size_t k = 0; k + padding < 3; ++k) out += static_cast<char>((group >> (16 - 8 * k)) & 0xFF);
  }
  return out;
}

Result<std::string> encoded_files(std::string_view names) {
  std::string all;
  bool is_first = true;
  for (std::string_view name : split_any(names)) {
    auto file = read_file(std::string(name));
    if (!file) return fail(std::move(file.error()));
    if (!std::exchange(is_first, false)) all += "\n";
    all += file->text;
  }
  return base64_encoded(all);
}

}  // namespace posthouse::table
