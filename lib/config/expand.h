// The expansion of main.cf values: $name, ${name?text}, comparisons and so on (see main_cf.h).
//
// Pure: names are looked up through `lookup`, whose result is expanded in turn. A condition looks
// at the unexpanded text, as Postfix does. Only the branch taken is expanded.
// Reads the same grammar in tables and templates that other libraries own.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace posthouse::config {

// Unexpanded text of a name, or nothing when it is undefined.
using NameLookup = std::function<std::optional<std::string>(std::string_view name)>;

// The error says what is wrong: `truncated macro reference: "${a"`.
std::expected<std::string, std::string> expand_macros(std::string_view text, const NameLookup& lookup);

// Every name that the text refers to, taken branch or not.
void for_each_macro_name(std::string_view text, const std::function<void(std::string_view)>& use);

}  // namespace posthouse::config
