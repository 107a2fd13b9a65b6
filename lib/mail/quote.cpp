#include "lib/mail/quote.h"

#include "lib/base/text.h"

namespace posthouse::mail {
namespace {

bool is_atom_char(char c, bool quote_8bit) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 127) return !quote_8bit;
  if (byte <= 32 || byte == 127) return false;
  return std::string_view("()<>@,;:\\\"[]").find(c) == std::string_view::npos;
}

bool is_dot_string(std::string_view local, bool quote_8bit) {
  if (local.empty() || local.front() == '.' || local.back() == '.') return false;
  char before = 0;
  for (const char c : local) {
    if (c == '.' && before == '.') return false;
    if (!is_atom_char(c, quote_8bit)) return false;
    before = c;
  }
  return true;
}

}  // namespace

bool needs_quotes(std::string_view local) {
  return !is_dot_string(local, false);
}

std::string quote_local_part(std::string_view local, bool quote_8bit) {
  if (is_dot_string(local, quote_8bit)) return std::string(local);
  std::string quoted = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\' || c == '\r' || c == '\n') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

std::string to_external(std::string_view internal) {
  if (internal.empty()) return {};
  const auto [local, domain, has_domain] = split_address(internal);
  std::string external = quote_local_part(local);
  if (has_domain) external.append("@").append(domain);
  return external;
}

std::string in_log(std::string_view internal, LogForm form) {
  return form == LogForm::external ? to_external(internal) : std::string(internal);
}

std::string to_internal(std::string_view external) {
  if (external.find_first_of("\"\\") == std::string_view::npos) return std::string(external);
  std::string internal;
  internal.reserve(external.size());
  for (std::size_t i = 0; i < external.size(); ++i) {
    if (external[i] == '"') continue;
    if (external[i] == '\\' && i + 1 < external.size()) ++i;
    internal += external[i];
  }
  return internal;
}

AddressParts split_address(std::string_view internal) {
  const std::size_t at = internal.rfind('@');
  if (at == std::string_view::npos) return {internal, {}, false};
  return {internal.substr(0, at), internal.substr(at + 1), true};
}

}  // namespace posthouse::mail
