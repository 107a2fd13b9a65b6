#include "lib/mail/address_list.h"

#include <span>

#include "lib/mail/quote.h"
#include "lib/mail/token.h"

namespace posthouse::mail {
namespace {

constexpr std::size_t kLineLength = 70;

using Tokens = std::span<const Token>;

std::string joined(Tokens tokens) {
  std::string text;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::special) {
      text += token.special;
    } else if (token.kind != Token::Kind::comment) {
      text += token.text;
    }
  }
  return text;
}

std::size_t last_special(Tokens tokens, char c) {
  for (std::size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i].is(c)) return i;
  }
  return tokens.size();
}

std::string external_address(Tokens tokens) {
  std::string route;
  if (!tokens.empty() && tokens.front().is('@')) {
    const std::size_t colon = last_special(tokens, ':');
    if (colon < tokens.size()) {
      route = joined(tokens.first(colon + 1));
      tokens = tokens.subspan(colon + 1);
    }
  }
  if (tokens.empty()) return {};
  const std::size_t at = last_special(tokens, '@');
  std::string address = route + quote_local_part(joined(tokens.first(at)));
  if (at < tokens.size()) address += '@' + joined(tokens.subspan(at + 1));
  return address;
}

std::string phrase_word(const Token& token) {
  if (token.kind == Token::Kind::special) return std::string(1, token.special);
  if (token.kind != Token::Kind::quoted) return token.text;
  std::string quoted = "\"";
  for (const char c : token.text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' || c == '\r' ? ' ' : c;
  }
  return quoted + '"';
}

}  // namespace

// Cuts the tokens at commas and group marks and sorts each stretch into words and addresses.
class AddressListReader {
 public:
  explicit AddressListReader(AddressList& list) : list_(list) {}

  void read(Tokens tokens) {
    std::size_t start = 0;
    bool in_brackets = false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].is('<')) in_brackets = true;
      if (tokens[i].is('>')) in_brackets = false;
      if (in_brackets) continue;
      if (!tokens[i].is(',') && !tokens[i].is(';') && !tokens[i].is(':')) continue;
      const Tokens stretch = tokens.subspan(start, i - start);
      start = i + 1;
      if (tokens[i].is(':')) {
        words(stretch);
        add(Kind::group_start, ":");
      } else {
        item(stretch);
        add(tokens[i].is(',') ? Kind::comma : Kind::group_end, std::string(1, tokens[i].special));
      }
    }
    item(tokens.subspan(start));
  }

 private:
  using Kind = AddressList::Kind;

  void add(Kind kind, std::string text) {
    if (kind == Kind::address || kind == Kind::route) list_.addresses_.push_back(list_.pieces_.size());
    list_.pieces_.push_back({kind, std::move(text)});
  }

  void words(Tokens tokens) {
    for (const Token& token : tokens) {
      const Kind kind = token.kind == Token::Kind::comment   ? Kind::comment
                        : token.kind == Token::Kind::special ? Kind::glue
                                                             : Kind::word;
      add(kind, phrase_word(token));
    }
  }

  void item(Tokens tokens) {
    std::size_t open = 0;
    while (open < tokens.size() && !tokens[open].is('<')) ++open;
    if (open == tokens.size()) return bare_addresses(tokens);
    std::size_t close = open;
    while (close < tokens.size() && !tokens[close].is('>')) ++close;
    words(tokens.first(open));
    add(Kind::route, external_address(tokens.subspan(open + 1, close - open - 1)));
    if (close < tokens.size()) words(tokens.subspan(close + 1));
  }

  // Addresses without brackets; two in a row without a comma become two addresses.
  void bare_addresses(Tokens tokens) {
    std::vector<Token> address;
    bool is_first = true;
    const auto finish = [&] {
      if (address.empty()) return;
      if (!is_first) add(Kind::comma, ",");
      is_first = false;
      add(Kind::address, external_address(address));
      address.clear();
    };
    for (const Token& token : tokens) {
      if (token.kind == Token::Kind::comment) {
        if (!address.empty() && address.back().kind == Token::Kind::special) continue;
        finish();
        add(Kind::comment, token.text);
        continue;
      }
      const bool starts_new = token.kind != Token::Kind::special && !address.empty() &&
                              address.back().kind != Token::Kind::special;
      if (starts_new) finish();
      address.push_back(token);
    }
    finish();
  }

  AddressList& list_;
};

AddressList AddressList::parse(std::string_view value) {
  AddressList list;
  AddressListReader(list).read(tokenise(value));
  return list;
}

void AddressList::replace(std::size_t index, std::string_view external) {
  pieces_[addresses_[index]].text = external;
}

bool AddressList::is_spaced(const Piece& before, const Piece& after) {
  if (before.kind == Kind::group_start && after.kind == Kind::group_end) return false;
  if (before.kind == Kind::comma || before.kind == Kind::group_start) return true;
  if (after.kind == Kind::comma || after.kind == Kind::group_end || after.kind == Kind::group_start)
    return false;
  if (before.kind == Kind::glue || after.kind == Kind::glue) return false;
  return before.kind != Kind::route || after.kind == Kind::word;
}

std::string AddressList::header(std::string_view name) const {
  std::string text(name);
  text += ": ";
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < pieces_.size();) {
    // One item runs to its comma; lines are broken between items only.
    std::string item;
    bool ends_with_comma = false;
    for (; i < pieces_.size() && !ends_with_comma; ++i) {
      const Piece& piece = pieces_[i];
      if (!item.empty() && is_spaced(pieces_[i - 1], piece)) item += ' ';
      item += piece.kind == Kind::route ? '<' + piece.text + '>' : piece.text;
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
