#include "lib/mail/path.h"

#include <algorithm>
#include <span>

#include "lib/base/text.h"
#include "lib/mail/token.h"

namespace posthouse::mail {
namespace {

using Tokens = std::span<const Token>;

bool is_plain_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}

// "<local@domain>" of unremarkable characters: nearly every path ever sent.
bool is_plain(std::string_view text) {
  if (text.size() < 5 || text.front() != '<' || text.back() != '>') return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  const std::size_t at = inside.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == inside.size()) return false;
  const std::string_view domain = inside.substr(at + 1);
  return std::all_of(inside.begin(), inside.begin() + static_cast<std::ptrdiff_t>(at), is_plain_char) &&
         std::all_of(domain.begin(), domain.end(), is_plain_char);
}

bool has_comment(Tokens tokens) {
  return std::any_of(tokens.begin(), tokens.end(),
                     [](const Token& t) { return t.kind == Token::Kind::comment; });
}

// "Name <address>": what is in the brackets. Anything else stays as it is.
Tokens without_phrase(Tokens tokens) {
  const auto is_open = [](const Token& t) { return t.is('<'); };
  const auto open = std::find_if(tokens.begin(), tokens.end(), is_open);
  if (open == tokens.begin() || open == tokens.end() || !tokens.back().is('>')) return tokens;
  const bool is_phrase = std::all_of(tokens.begin(), open, [](const Token& t) {
    return t.kind != Token::Kind::special || t.is('@') || t.is('.');
  });
  const Tokens inside(open + 1, tokens.end() - 1);
  const bool is_single =
      std::none_of(inside.begin(), inside.end(), [](const Token& t) { return t.is('<') || t.is('>'); });
  return is_phrase && is_single ? inside : tokens;
}

// "<>address": sloppy clients put the address behind what should be around it.
Tokens without_empty_brackets(Tokens tokens) {
  const bool has_them = tokens.size() > 2 && tokens[0].is('<') && tokens[1].is('>') && !tokens[2].is('<');
  return has_them ? tokens.subspan(2) : tokens;
}

// Takes the brackets off. Nothing if they do not match.
std::optional<Tokens> without_brackets(Tokens tokens, bool is_strict) {
  const auto drop_last = [&](char c) {
    if (tokens.empty() || !tokens.back().is(c)) return false;
    tokens = tokens.first(tokens.size() - 1);
    return true;
  };
  if (!is_strict) {
    while (drop_last(',')) {
    }
    tokens = without_empty_brackets(without_phrase(tokens));
    if (!tokens.empty() && !tokens.front().is('<')) drop_last('>');
  }
  int depth = 0;
  for (; !tokens.empty() && tokens.front().is('<'); ++depth) {
    tokens = tokens.subspan(1);
    if (!drop_last('>')) return std::nullopt;
  }
  if (depth > 2 || (is_strict && depth == 0)) return std::nullopt;
  if (is_strict) return tokens;
  while (depth > 0 && drop_last(',')) {
  }
  return without_phrase(tokens);
}

// "@one,@two:" in front of the address.
Tokens without_route(Tokens tokens) {
  if (tokens.empty() || !tokens.front().is('@')) return tokens;
  for (std::size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i].is(':')) return tokens.subspan(i + 1);
  }
  return tokens;
}

bool is_joined_properly(Tokens tokens) {
  bool after_word = false;
  for (const Token& token : tokens) {
    const bool is_word = token.kind != Token::Kind::special;
    if (is_word && after_word) return false;
    if (!is_word && std::string_view("@.:").find(token.special) == std::string_view::npos) return false;
    after_word = is_word;
  }
  return tokens.empty() || !tokens.back().is('@');
}

std::string joined(Tokens tokens) {
  std::string address;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::special) {
      address += token.special;
    } else {
      address += token.text;
    }
  }
  return address;
}

bool is_strictly_local(Tokens tokens) {
  return !tokens.front().is('@') &&
         !(tokens.front().kind == Token::Kind::quoted && tokens.front().text.empty());
}

}  // namespace

std::optional<std::string> parse_path(std::string_view text, PathRules rules) {
  text = trim(text);
  if (is_plain(text)) return std::string(text.substr(1, text.size() - 2));
  std::vector<Token> all = tokenise(text);
  if (rules.is_strict && has_comment(all)) return std::nullopt;
  std::erase_if(all, [](const Token& t) { return t.kind == Token::Kind::comment; });
  const auto inside = without_brackets(all, rules.is_strict);
  if (!inside) return std::nullopt;
  const Tokens tokens = without_route(*inside);
  if (!is_joined_properly(tokens)) return std::nullopt;
  if (rules.is_strict && tokens.size() > 1 && !is_strictly_local(tokens)) return std::nullopt;
  std::string address = joined(tokens);
  if (address.empty() && (!rules.may_be_empty || all.empty())) return std::nullopt;
  return address;
}

}  // namespace posthouse::mail
