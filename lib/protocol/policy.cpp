#include "lib/protocol/policy.h"

#include "lib/base/text.h"

namespace posthouse::protocol {

void PolicyRequest::add(std::string_view name, std::string_view value) {
  text_.append(name).append("=");
  for (const char c : value) text_ += c == '\n' || c == '\r' || c == '\0' ? ' ' : c;
  text_ += '\n';
}

void PolicyRequest::add(std::string_view name, std::uint64_t value) {
  add(name, std::to_string(value));
}

std::string PolicyRequest::finish() && {
  text_ += '\n';
  return std::move(text_);
}

Result<std::optional<std::string>> parse_policy_reply(std::string_view bytes, std::size_t& used) {
  used = 0;
  std::optional<std::string> action;
  std::size_t at = 0;
  while (true) {
    const std::size_t newline = bytes.find('\n', at);
    if (newline == std::string_view::npos) {
      if (bytes.size() > kPolicyReplyLimit)
        return fail(Failure::deferred("4.3.5", "policy reply is too long"));
      return std::nullopt;
    }
    std::string_view line = bytes.substr(at, newline - at);
    at = newline + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos)
      return fail(Failure::deferred("4.3.5", "policy reply without \"=\""));
    if (trim(line.substr(0, equals)) == "action") action = std::string(trim(line.substr(equals + 1)));
  }
  used = at;
  if (!action) return fail(Failure::deferred("4.3.5", "policy reply without action"));
  return action;
}

}  // namespace posthouse::protocol
