#include "lib/table/alias_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "lib/base/text.h"
#include "lib/mail/token.h"

namespace posthouse::table {
namespace {

using mail::Token;

constexpr std::string_view kSpecials = "()<>@,;:\".[";

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += is_space(c) ? ' ' : c;
  }
  return out + "\"";
}

// An atom whose escapes hid something that an atom may not have becomes a quoted string again.
bool needs_quotes(std::string_view atom) {
  return std::ranges::any_of(
      atom, [](char c) { return is_space(c) || c == '\\' || kSpecials.find(c) != std::string_view::npos; });
}

bool takes_space_before(const Token& token) {
  return token.kind != Token::Kind::special || token.is('<');
}

std::string external(std::span<const Token> tokens) {
  std::string out;
  const Token* before = nullptr;
  for (const Token& token : tokens) {
    if (before != nullptr && before->kind != Token::Kind::special && takes_space_before(token)) out += ' ';
    switch (token.kind) {
      case Token::Kind::special:
        out += token.special;
        if (token.is(',')) out += ' ';
        break;
      case Token::Kind::quoted:
        out += quoted(token.text);
        break;
      case Token::Kind::atom:
        out += needs_quotes(token.text) ? quoted(token.text) : token.text;
        break;
      case Token::Kind::literal:
      case Token::Kind::comment:
        out += token.text;
        break;
    }
    before = &token;
  }
  return out;
}

std::string internal(std::span<const Token> tokens) {
  std::string out;
  const Token* before = nullptr;
  for (const Token& token : tokens) {
    if (before != nullptr && before->kind != Token::Kind::special && takes_space_before(token)) out += ' ';
    if (token.kind == Token::Kind::special)
      out += token.special;
    else
      out += token.text;
    before = &token;
  }
  return out;
}

// An unquoted @ or % makes an address of the name.
bool is_address(std::span<const Token> key) {
  return std::ranges::any_of(key, [](const Token& token) {
    return token.is('@') || (token.kind == Token::Kind::atom && token.text.find('%') != std::string::npos);
  });
}

}  // namespace

AliasLine parse_alias_line(std::string_view line, bool utf8) {
  AliasLine out;
  line = trim_right(line.substr(0, line.find('\0')));
  if (utf8 && !is_valid_utf8(line)) {
    out.problem = fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", line);
    return out;
  }
  const auto last = line.find_last_not_of('\\');
  const std::size_t backslashes = line.size() - (last == std::string_view::npos ? 0 : last + 1);
  if (backslashes % 2 == 1) line.remove_suffix(1);  // escapes nothing
  const auto tokens = mail::tokenise(line, kSpecials);
  const auto colon = std::ranges::find_if(tokens, [](const Token& token) { return token.is(':'); });
  const std::span key(tokens.begin(), colon);
  const bool is_list = std::ranges::any_of(key, [](const Token& token) { return token.is(','); });
  if (colon == tokens.end() || key.empty() || is_list || colon + 1 == tokens.end()) {
    out.problem = "need name:value pair";
    return out;
  }
  if (is_address(key)) {
    out.problem = "name must be local";
    return out;
  }
  out.key = internal(key);
  out.value = external(std::span(colon + 1, tokens.end()));
  return out;
}

}  // namespace posthouse::table
