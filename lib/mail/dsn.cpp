#include "lib/mail/dsn.h"

#include <array>

#include "lib/base/text.h"

namespace posthouse::mail {
namespace {

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && count < 4 && is_digit(text[at + count])) ++count;
  return count >= 1 && count <= 3 ? count : 0;
}

}  // namespace

std::size_t dsn_prefix_length(std::string_view text) {
  if (text.size() < 5 || text[1] != '.') return 0;
  if (text[0] != '2' && text[0] != '4' && text[0] != '5') return 0;
  const std::size_t subject = digits_at(text, 2);
  if (subject == 0 || text.size() <= 2 + subject || text[2 + subject] != '.') return 0;
  const std::size_t detail = digits_at(text, 3 + subject);
  if (detail == 0) return 0;
  const std::size_t length = 3 + subject + detail;
  return length == text.size() || is_space(text[length]) ? length : 0;
}

bool is_valid_dsn(std::string_view code) {
  return !code.empty() && dsn_prefix_length(code) == code.size();
}

DsnText split_dsn(std::string_view text, std::string_view default_dsn) {
  const std::size_t length = dsn_prefix_length(text);
  if (length == 0) return {std::string(default_dsn), text};
  return {std::string(text.substr(0, length)), trim_left(text.substr(length))};
}

std::string dsn_with_class(std::string_view code, char first_digit) {
  std::string changed(code);
  if (!changed.empty()) changed[0] = first_digit;
  return changed;
}

std::string dsn_about(std::string_view code, DsnAbout about) {
  if (!is_valid_dsn(code) || code.substr(1, 3) != ".1.") return std::string(code);
  const std::string prefix(code.substr(0, 4));
  const int detail = parse_int<int>(code.substr(4)).value_or(0);
  if (about == DsnAbout::other) return prefix.substr(0, 2) + "0.0";
  // Both lists by the detail: bad mailbox, bad domain, bad syntax, ambiguous, valid, moved, bad sender
  // syntax, bad sender domain.
  static constexpr std::array<char, 9> kSender{'0', '7', '8', '7', '7', '0', '7', '7', '8'};
  static constexpr std::array<char, 9> kRecipient{'0', '1', '2', '3', '4', '5', '6', '3', '2'};
  const auto& details = about == DsnAbout::sender ? kSender : kRecipient;
  const auto at = static_cast<std::size_t>(detail);
  return prefix + (at < details.size() ? details[at] : '0');
}

}  // namespace posthouse::mail
