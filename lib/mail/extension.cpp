#include "lib/mail/extension.h"

#include "lib/base/text.h"

namespace posthouse::mail {
namespace {

bool is_reserved(std::string_view local, std::string_view double_bounce) {
  if (equal_ignoring_case(local, "postmaster") || equal_ignoring_case(local, "mailer-daemon")) return true;
  return equal_ignoring_case(local, double_bounce);
}

bool is_list_name(std::string_view local) {
  return starts_with_ignoring_case(local, "owner-") || ends_with_ignoring_case(local, "-request");
}

}  // namespace

std::optional<Extension> split_extension(std::string_view local_part, std::string_view delimiters,
                                         std::string_view double_bounce_sender, bool owner_request_special) {
  if (delimiters.empty() || local_part.size() < 2) return std::nullopt;
  const std::size_t at = local_part.find_first_of(delimiters, 1);
  if (at == std::string_view::npos) return std::nullopt;
  if (is_reserved(local_part, double_bounce_sender)) return std::nullopt;
  const bool has_dash = delimiters.find('-') != std::string_view::npos;
  if (owner_request_special && has_dash && is_list_name(local_part)) return std::nullopt;
  return Extension{local_part.substr(0, at), local_part[at], local_part.substr(at + 1)};
}

}  // namespace posthouse::mail
