// %s, %u, %d, %S, %U, %D, %1-%9 and %% in the queries and result formats of client tables. Pure code.
//
// A key that lacks a part which the template asks for suppresses the query: expand() gives nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::table {

class QueryTemplate {
 public:
  using Quote = std::function<std::string(std::string_view)>;  // makes bytes safe for the query's language

  // No unknown %x.
  static bool is_valid(std::string_view text);
  explicit QueryTemplate(std::string text = {}) : text_(std::move(text)) {}

  // It asks for no part of a key.
  bool is_fixed() const;
  // As a query: every letter means the key.
  std::optional<std::string> expand(std::string_view key, const Quote& quote) const;
  // As a result format: %s %u %d are of the value, the others of the key; nothing if the value is skipped.
  std::optional<std::string> format(std::string_view value, std::string_view key) const;
  // Does the key have all that the format asks of it?
  bool suits(std::string_view key) const;

 private:
  std::string text_;
};

// An address with a non-empty local part: what a `domain` setting lets through, with the domain.
std::optional<std::string_view> domain_of_full_address(std::string_view key);

}  // namespace posthouse::table
