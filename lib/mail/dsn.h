// Enhanced status codes (RFC 3463): "D.S.N", D one of 2, 4, 5, S and N one to three digits.
//
// A code at the start of a text counts only if the text ends or white space follows it.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::mail {

bool is_valid_dsn(std::string_view code);

// Length of the code at the start of `text`, or 0.
std::size_t dsn_prefix_length(std::string_view text);

struct DsnText {
  std::string dsn;
  std::string_view text;  // into the input, white space after the code removed
};
// Takes a leading code off `text`; without one the given default stands.
DsnText split_dsn(std::string_view text, std::string_view default_dsn);

// The code with its first digit replaced (soft_bounce, 5xx to 4xx).
std::string dsn_with_class(std::string_view code, char first_digit);

// What a status may be about.
enum class DsnAbout : unsigned char { sender, recipient, other };

// An address status (X.1.Y, RFC 3463 3.2) as one about `about`: of a sender, of a recipient, or X.0.0 where
// no address is meant. Other statuses stay.
std::string dsn_about(std::string_view code, DsnAbout about);

}  // namespace posthouse::mail
