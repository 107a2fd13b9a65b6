#include "lib/mail/token.h"

#include <utility>

#include "lib/base/text.h"

namespace posthouse::mail {
namespace {

constexpr int kMaxCommentDepth = 100;

// Reads to the closing character; escapes stay in `raw`. A missing end is the end of the text.
std::size_t skip_quoted(std::string_view text, std::size_t at, char close, std::string& content) {
  while (at < text.size()) {
    if (text[at] == close) return at + 1;
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    content += text[at++];
  }
  return at;
}

std::size_t skip_comment(std::string_view text, std::size_t at, std::string& content) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    content += c;
    ++at;
    if (c == '\\' && at < text.size()) {
      content += text[at++];
    } else if (c == '(' && depth < kMaxCommentDepth) {
      ++depth;
    } else if (c == ')' && --depth <= 0) {
      return at;
    }
  }
  for (; depth > 0; --depth) content += ')';
  return at;
}

std::size_t skip_atom(std::string_view text, std::size_t at, std::string_view specials,
                      std::string& content) {
  while (at < text.size() && !is_space(text[at])) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      ++at;
    } else if (specials.find(text[at]) != std::string_view::npos) {
      break;
    }
    content += text[at++];
  }
  return at;
}

}  // namespace

std::vector<Token> tokenise(std::string_view text, std::string_view specials) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  bool after_space = false;
  while (at < text.size()) {
    if (is_space(text[at]) || text[at] == '\0') {
      after_space = true;
      ++at;
      continue;
    }
    Token token{.kind = Token::Kind::atom, .after_space = std::exchange(after_space, false)};
    const char c = text[at];
    if (c == '"') {
      token.kind = Token::Kind::quoted;
      at = skip_quoted(text, at + 1, '"', token.text);
    } else if (c == '[') {
      token.kind = Token::Kind::literal;
      token.text = "[";
      at = skip_quoted(text, at + 1, ']', token.text);
      token.text += ']';
    } else if (c == '(') {
      token.kind = Token::Kind::comment;
      at = skip_comment(text, at, token.text);
    } else if (c != '\\' && specials.find(c) != std::string_view::npos) {
      token.kind = Token::Kind::special;
      token.special = c;
      ++at;
    } else {
      const std::size_t start = at;
      at = skip_atom(text, at, specials, token.text);
      if (at == start) break;  // a backslash at the very end says nothing
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace posthouse::mail
