// Variable envelope return paths: a sender address that names the recipient.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::mail {

// owner@origin, "+=" and user@domain make owner+user=domain@origin; all addresses in internal form. The
// sender as it is without two delimiters.
std::string verp_sender(std::string_view sender, std::string_view delimiters, std::string_view recipient);

}  // namespace posthouse::mail
