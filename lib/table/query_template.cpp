#include "lib/table/query_template.h"

#include "lib/base/text.h"

namespace posthouse::table {
namespace {

// The part of `address` a letter asks for; nothing if it is missing or empty.
std::optional<std::string> part_of(std::string_view address, char letter) {
  const auto at = address.rfind('@');
  const bool has_domain = at != std::string_view::npos;
  switch (letter) {
    case 's':
      if (address.empty()) return std::nullopt;
      return std::string(address);
    case 'u':
      if (!has_domain) return part_of(address, 's');
      if (at == 0) return std::nullopt;
      return std::string(address.substr(0, at));
    case 'd':
      if (!has_domain || at + 1 == address.size()) return std::nullopt;
      return std::string(address.substr(at + 1));
    default:
      break;
  }
  if (!has_domain) return std::nullopt;
  auto labels = split(address.substr(at + 1), '.');
  const auto wanted = static_cast<std::size_t>(letter - '0');
  if (wanted > labels.size()) return std::nullopt;
  return std::string(labels[labels.size() - wanted]);
}

bool is_letter(char c) {
  constexpr std::string_view kLetters = "sudSUD123456789";
  return kLetters.find(c) != std::string_view::npos;
}

using Part = std::function<std::optional<std::string>(char)>;

std::optional<std::string> expand_with(std::string_view text, const Part& part) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char letter = text[++i];
    if (!is_letter(letter)) {
      out += letter;  // %% is %
      continue;
    }
    const auto value = part(letter);
    if (!value) return std::nullopt;
    out += *value;
  }
  return out;
}

}  // namespace

bool QueryTemplate::is_valid(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (++i == text.size() || (text[i] != '%' && !is_letter(text[i]))) return false;
  }
  return true;
}

bool QueryTemplate::is_fixed() const {
  return expand_with(text_, [](char) -> std::optional<std::string> { return std::nullopt; }).has_value();
}

std::optional<std::string> QueryTemplate::expand(std::string_view key, const Quote& quote) const {
  return expand_with(text_, [&](char letter) -> std::optional<std::string> {
    auto value = part_of(key, to_lower(letter));
    if (value && quote) return quote(*value);
    return value;
  });
}

std::optional<std::string> QueryTemplate::format(std::string_view value, std::string_view key) const {
  return expand_with(text_, [&](char letter) -> std::optional<std::string> {
    const bool of_value = letter == 's' || letter == 'u' || letter == 'd';
    return part_of(of_value ? value : key, to_lower(letter));
  });
}

bool QueryTemplate::suits(std::string_view key) const {
  return expand_with(text_,
                     [&](char letter) -> std::optional<std::string> {
                       const bool of_value = letter == 's' || letter == 'u' || letter == 'd';
                       return of_value ? std::string() : part_of(key, to_lower(letter));
                     })
      .has_value();
}

std::optional<std::string_view> domain_of_full_address(std::string_view key) {
  const auto at = key.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == key.size()) return std::nullopt;
  return key.substr(at + 1);
}

}  // namespace posthouse::table
