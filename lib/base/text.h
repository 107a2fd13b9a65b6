// Text and number helpers that every layer needs: ASCII only, no locale, no allocation where a
// view will do.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alnum(char c) {
  return is_alpha(c) || is_digit(c);
}
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

std::string lower(std::string_view text);  // ASCII letters only
std::string upper(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
bool ends_with_ignoring_case(std::string_view text, std::string_view suffix);

std::string_view trim(std::string_view text);  // white space at both ends
std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);

// Pieces between any of the separator characters; empty pieces are dropped (main.cf list rule).
std::vector<std::string_view> split_any(std::string_view text, std::string_view separators = ", \t\r\n");
// Pieces between one separator; empty pieces are kept.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& pieces, std::string_view separator);

// Lines of at most `columns` where blanks allow it; the second and later ones start with four blanks.
std::string folded(std::string_view text, std::size_t columns);

// The whole text as a decimal number, or nothing: no sign for unsigned types, no blanks, no overflow.
template <class Int>
std::optional<Int> parse_int(std::string_view text) {
  Int value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Non-printable bytes become '?'. With keep_utf8, valid UTF-8 sequences stay.
std::string printable(std::string_view text, bool keep_utf8 = true);
bool is_valid_utf8(std::string_view text);
bool is_ascii(std::string_view text);

// C escapes for logging input of a peer: CR is "\r", other controls "\ooo"; at most `limit` input bytes.
std::string escaped(std::string_view text, std::size_t limit = 100);

// So that `more` bytes can be appended without another allocation; repeated calls do not copy again and
// again.
inline void make_room(std::string& text, std::size_t more) {
  const std::size_t needed = text.size() + more;
  if (needed > text.capacity()) text.reserve(needed > 2 * text.capacity() ? needed : 2 * text.capacity());
}

}  // namespace posthouse
