// Address lists of headers (RFC 5322 3.4): finds each address, and rebuilds the header value with rewritten
// ones while phrases, comments and groups stay.
//
// Tolerant of what is found in real mail: it never fails, text it does not understand is kept. Nesting of
// comments is bounded. Addresses are as they were written, without comments and blanks: `"a b"@example.com`,
// `"user"`, `user`, empty for "<>"; mail::to_external(mail::to_internal(...)) has the quotes that they need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::mail {

class AddressList {
 public:
  // `value` is what follows the colon; line breaks in it are white space. What is behind its first
  // `token_limit` words, special characters and comments is dropped.
  static AddressList parse(std::string_view value, std::size_t token_limit = SIZE_MAX);

  std::size_t size() const { return addresses_.size(); }
  bool empty() const { return addresses_.empty(); }
  std::string_view operator[](std::size_t index) const { return pieces_[addresses_[index]].text; }
  // A quoted string without a domain: whatever it holds, it is no route.
  bool is_quoted_name(std::size_t index) const { return pieces_[addresses_[index]].is_quoted_name; }

  void replace(std::size_t index, std::string_view external);

  // The whole header, "Name: value", continued on further lines (newline, tab) after commas once a line
  // would grow too long. No newline at the end.
  std::string header(std::string_view name) const;

 private:
  // `open` and `close` are angle brackets, `glue` a special character without blanks around it.
  enum class Kind : unsigned char {
    word,
    comment,
    comma,
    group_start,
    group_end,
    address,
    open,
    close,
    glue
  };
  struct Piece {
    Kind kind;
    std::string text;
    bool is_quoted_name = false;
  };
  friend class AddressListReader;
  static bool is_spaced(const Piece& before, const Piece& after);

  std::vector<Piece> pieces_;
  std::vector<std::size_t> addresses_;
};

}  // namespace posthouse::mail
