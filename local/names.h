// The $names in forward_path and luser_relay, which each recipient gives other values.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/config/expand.h"

namespace posthouse::local {

struct ExpanderRules;

using Names = std::map<std::string, std::string, std::less<>>;

// $user, $local, $extension, $recipient_delimiter, $domain and $recipient of an address (internal form).
// Without an extension there is no such name, and the first delimiter of `rules` is the delimiter.
Names names_of(const std::string& recipient, const ExpanderRules& rules);

// The grammar of main.cf values; names are put in by config::literal_value().
Result<std::string> expand_names(std::string_view text, const Names& names, config::Undefined undefined,
                                 std::string_view allowed = {});

bool uses_name(std::string_view text, std::string_view name);

}  // namespace posthouse::local
