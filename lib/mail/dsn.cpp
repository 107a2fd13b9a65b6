#include "lib/mail/dsn.h"

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

}  // namespace posthouse::mail
