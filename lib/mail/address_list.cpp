#include "lib/mail/address_list.h"

#include <algorithm>
#include <optional>
#include <span>

#include "lib/mail/token.h"

namespace posthouse::mail {
namespace {

constexpr std::size_t kLineLength = 70;

using Tokens = std::span<const Token>;

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' || c == '\r' ? ' ' : c;
  }
  return quoted + '"';
}

std::string word_text(const Token& token) {
  if (token.kind == Token::Kind::special) return std::string(1, token.special);
  return token.kind == Token::Kind::quoted ? quoted(token.text) : token.text;
}

// An address as it is written, without its comments and blanks. What was escaped is in quotes.
std::string address_text(Tokens tokens) {
  std::string text;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::comment) continue;
    if (token.is('<') && !text.empty()) text += ' ';
    const bool is_escaped =
        token.kind == Token::Kind::atom && token.text.find_first_of("()<>@,;:\\\"[] ") != std::string::npos;
    text += is_escaped ? quoted(token.text) : word_text(token);
    if (token.is(',') && !text.starts_with('@')) text += ' ';
  }
  return text;
}

}  // namespace

// Cuts the tokens at commas and group marks and sorts each stretch into words and addresses.
class AddressListReader {
 public:
  AddressListReader(AddressList& list, Tokens tokens) : list_(list), tokens_(tokens) {}

  void read() {
    std::size_t start = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].is('<')) i = end_of_route(i).value_or(i);
      const bool is_group = tokens_[i].is(':') && begins_group(i);
      if (!is_group && !tokens_[i].is(',') && !tokens_[i].is(';')) continue;
      if (is_group) {
        words(tokens_.subspan(start, i - start));
        add(Kind::group_start, ":");
      } else {
        item(start, i);
        add(tokens_[i].is(',') ? Kind::comma : Kind::group_end, std::string(1, tokens_[i].special));
      }
      start = i + 1;
    }
    item(start, tokens_.size());
  }

 private:
  using Kind = AddressList::Kind;

  // The next ">" after the "<" at this place, unless another "<" comes first.
  std::optional<std::size_t> end_of_route(std::size_t open) const {
    for (std::size_t i = open + 1; i < tokens_.size() && !tokens_[i].is('<'); ++i) {
      if (tokens_[i].is('>')) return i;
    }
    return std::nullopt;
  }

  // A group has a ";" before the next ":".
  bool begins_group(std::size_t colon) const {
    for (std::size_t i = colon + 1; i < tokens_.size() && !tokens_[i].is(':'); ++i) {
      if (tokens_[i].is('<')) i = end_of_route(i).value_or(i);
      if (tokens_[i].is(';')) return true;
    }
    return false;
  }

  void add(Kind kind, std::string text) { list_.pieces_.push_back({kind, std::move(text)}); }

  void add_address(Tokens tokens) {
    std::string text = address_text(tokens);
    const bool has_domain = std::ranges::any_of(tokens, [](const Token& token) { return token.is('@'); });
    const bool is_quoted_name = !has_domain && text != "\"\"" && text.find('"') != std::string::npos;
    list_.addresses_.push_back(list_.pieces_.size());
    list_.pieces_.push_back({Kind::address, std::move(text), is_quoted_name});
  }

  void words(Tokens tokens) {
    for (const Token& token : tokens) {
      const Kind kind = token.kind == Token::Kind::comment   ? Kind::comment
                        : token.kind == Token::Kind::special ? Kind::glue
                                                             : Kind::word;
      add(kind, word_text(token));
    }
  }

  void comments(Tokens tokens) {
    for (const Token& token : tokens) {
      if (token.kind == Token::Kind::comment) add(Kind::comment, token.text);
    }
  }

  // What stands between two commas: routes with their phrases, then addresses without brackets.
  void item(std::size_t start, std::size_t end) {
    for (std::size_t i = start; i < end; ++i) {
      const auto close = tokens_[i].is('<') ? end_of_route(i) : std::nullopt;
      if (!close) continue;
      words(tokens_.subspan(start, i - start));
      const Tokens inside = tokens_.subspan(i + 1, *close - i - 1);
      add(Kind::open, "<");
      add_address(inside);
      comments(inside);
      add(Kind::close, ">");
      i = *close;
      start = i + 1;
    }
    bare_addresses(tokens_.subspan(start, end - start));
  }

  // Two in a row without a comma become two addresses; a comment goes behind the address that it is in or
  // before.
  void bare_addresses(Tokens tokens) {
    std::size_t start = 0;     // of the address that is being read, with the comments before it
    std::size_t last_end = 0;  // behind its last token that is no comment
    bool has_address = false;
    const auto finish = [&] {
      if (!has_address) return;
      const Tokens address = tokens.subspan(start, last_end - start);
      if (!is_at_start()) add(Kind::comma, ",");
      add_address(address);
      comments(address);
      start = last_end;
      has_address = false;
    };
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].kind == Token::Kind::comment) continue;
      const bool starts_new = has_address && tokens[i].kind != Token::Kind::special &&
                              tokens[last_end - 1].kind != Token::Kind::special;
      if (starts_new || tokens[i].is('>')) finish();
      if (tokens[i].is('>')) {
        comments(tokens.subspan(start, i - start));
        add(Kind::close, ">");
        start = i + 1;
        continue;
      }
      has_address = true;
      last_end = i + 1;
    }
    finish();
    comments(tokens.subspan(start));
  }

  bool is_at_start() const {
    if (list_.pieces_.empty()) return true;
    const Kind before = list_.pieces_.back().kind;
    return before == Kind::comma || before == Kind::group_start;
  }

  AddressList& list_;
  Tokens tokens_;
};

AddressList AddressList::parse(std::string_view value, std::size_t token_limit) {
  AddressList list;
  const std::vector<Token> tokens = tokenise(value);
  AddressListReader(list, Tokens(tokens).first(std::min(tokens.size(), token_limit))).read();
  return list;
}

void AddressList::replace(std::size_t index, std::string_view external) {
  pieces_[addresses_[index]].text = external;
}

bool AddressList::is_spaced(const Piece& before, const Piece& after) {
  if (after.kind == Kind::open || before.kind == Kind::comma || before.kind == Kind::group_start) return true;
  for (const Kind tight : {Kind::comma, Kind::group_end, Kind::group_start, Kind::close, Kind::glue}) {
    if (after.kind == tight) return false;
  }
  for (const Kind tight : {Kind::open, Kind::close, Kind::group_end, Kind::glue}) {
    if (before.kind == tight) return false;
  }
  return true;
}

std::string AddressList::header(std::string_view name) const {
  std::string text(name);
  text += ": ";
  std::size_t line_start = 0;
  bool ends_with_comma = false;
  for (std::size_t i = 0; i < pieces_.size() || ends_with_comma;) {
    // One item runs to its comma; lines are broken between items only.
    std::string item;
    ends_with_comma = false;
    for (; i < pieces_.size() && !ends_with_comma; ++i) {
      const Piece& piece = pieces_[i];
      if (!item.empty() && is_spaced(pieces_[i - 1], piece)) item += ' ';
      item += piece.text;
      ends_with_comma = piece.kind == Kind::comma;
    }
    const bool is_first = text.size() == name.size() + 2;
    if (!is_first) {
      if (text.size() - line_start + 1 + item.size() < kLineLength) {
        text += ' ';
      } else {
        text += "\n\t";
        line_start = text.size() - 1;
      }
    }
    text += item;
  }
  return text;
}

}  // namespace posthouse::mail
