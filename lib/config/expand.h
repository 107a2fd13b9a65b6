// The expansion of main.cf values: $name, ${name?text}, comparisons and so on (see main_cf.h).
//
// Pure: names are looked up through `lookup`, whose result is expanded in turn. A condition looks
// at the unexpanded text, as Postfix does. Only the branch taken is expanded.
// Reads the same grammar in tables and templates that other libraries own.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace posthouse::config {

// Unexpanded text of a name, or nothing when it is undefined.
using NameLookup = std::function<std::optional<std::string>(std::string_view name)>;

// What an undefined name stands for. One that is asked for in a condition is never a mistake.
enum class Undefined : std::uint8_t { empty, mistake };

// The error says what is wrong: `truncated macro reference: "${a"`.
std::expected<std::string, std::string> expand_macros(std::string_view text, const NameLookup& lookup,
                                                      Undefined undefined = Undefined::empty);

// What a NameLookup returns for a value that is data, in which "$" has no meaning. Characters that are not
// allowed become "_"; none named: all are.
std::string literal_value(std::string_view value, std::string_view allowed = {});

// Every name that the text refers to, taken branch or not.
void for_each_macro_name(std::string_view text, const std::function<void(std::string_view)>& use);

}  // namespace posthouse::config
