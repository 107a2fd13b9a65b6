// Address extensions: "user+ext" for recipient_delimiter "+".
//
// Any character of `delimiters` separates; the leftmost one that is not the first character counts, and
// names reserved by the mail system stay whole: postmaster, mailer-daemon, double-bounce, and owner-list
// or list-request where "-" is a delimiter, unless owner_request_special is off.
#pragma once

#include <optional>
#include <string_view>

namespace posthouse::mail {

struct Extension {
  std::string_view user;       // "user"
  char delimiter;              // "+"
  std::string_view extension;  // "ext", may be empty
};

std::optional<Extension> split_extension(std::string_view local_part, std::string_view delimiters,
                                         std::string_view double_bounce_sender = "double-bounce",
                                         bool owner_request_special = true);

}  // namespace posthouse::mail
