#include "local/names.h"

#include "lib/mail/quote.h"
#include "local/expander.h"

namespace posthouse::local {
Names names_of(const std::string& recipient, const ExpanderRules& rules) {
  const mail::AddressParts parts = mail::split_address(recipient);
  const auto extension = rules.split(parts.local);
  Names names{{"user", std::string(extension ? extension->user : parts.local)},
              {"local", std::string(parts.local)},
              {"domain", std::string(parts.domain)},
              {"recipient", recipient},
              {"recipient_delimiter", rules.recipient_delimiter.substr(0, 1)}};
  if (extension) {
    names["extension"] = extension->extension;
    names["recipient_delimiter"] = extension->delimiter;
  }
  return names;
}

Result<std::string> expand_names(std::string_view text, const Names& names, config::Undefined undefined,
                                 std::string_view allowed) {
  const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = names.find(name);
    if (found == names.end()) return std::nullopt;
    return config::literal_value(found->second, allowed);
  };
  auto expanded = config::expand_macros(text, lookup, undefined);
  if (!expanded) return fail(Failure::deferred("4.3.5", std::move(expanded.error())));
  return std::move(*expanded);
}

bool uses_name(std::string_view text, std::string_view name) {
  bool is_used = false;
  config::for_each_macro_name(text, [&](std::string_view used) { is_used = is_used || used == name; });
  return is_used;
}

}  // namespace posthouse::local
