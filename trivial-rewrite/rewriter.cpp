#include "trivial-rewrite/rewriter.h"

#include "lib/base/text.h"
#include "lib/mail/quote.h"

namespace posthouse::trivial_rewrite {

namespace {

// "@a,@b:user@domain" (RFC 5321 appendix F.2) -> "user@domain".
std::string_view without_source_route(std::string_view address) {
  if (!address.starts_with('@')) return address;
  const std::size_t colon = address.find(':');
  if (colon == std::string_view::npos) return address;
  for (const char c : address.substr(0, colon)) {
    if (!is_alnum(c) && std::string_view("@,.-_[]").find(c) == std::string_view::npos) return address;
  }
  return address.substr(colon + 1);
}

}  // namespace

std::string Rewriter::local(std::string_view address) const {
  return complete(address, rules_.append_at_myorigin ? rules_.myorigin : "",
                  rules_.append_dot_mydomain ? rules_.mydomain : "");
}

std::string Rewriter::remote(std::string_view address) const {
  return complete(address, rules_.remote_domain, rules_.append_dot_mydomain ? rules_.remote_domain : "");
}

std::string Rewriter::reveal_route(std::string_view local_part) const {
  if (const std::size_t bang = local_part.find('!'); rules_.swap_bangpath && bang != std::string_view::npos) {
    return std::string(local_part.substr(bang + 1)) + "@" + std::string(local_part.substr(0, bang));
  }
  std::string text(local_part);
  if (const std::size_t percent = text.rfind('%');
      rules_.allow_percent_hack && percent != std::string::npos) {
    text[percent] = '@';
  }
  return text;
}

std::string Rewriter::complete(std::string_view address, std::string_view origin,
                               std::string_view domain) const {
  if (address.empty()) return "";
  std::string result(without_source_route(address));
  if (!mail::split_address(result).has_domain && !mail::needs_quotes(result)) result = reveal_route(result);
  if (!mail::split_address(result).has_domain && !origin.empty()) {
    result += "@";
    result += origin;
  }
  const mail::AddressParts parts = mail::split_address(result);
  if (!parts.has_domain || parts.domain.empty() || parts.domain.front() == '[') return result;
  const bool has_dot = parts.domain.find('.') != std::string_view::npos;
  if (!has_dot && !domain.empty()) return result + "." + std::string(domain);
  // One dot at the end says that the name is complete.
  const bool ends_in_dot =
      parts.domain.size() > 1 && parts.domain.ends_with('.') && !parts.domain.ends_with("..");
  if (ends_in_dot) result.pop_back();
  return result;
}

}  // namespace posthouse::trivial_rewrite
