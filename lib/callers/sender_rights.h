// Which sender addresses a user may give: local_login_sender_maps.
#pragma once

#include <string_view>

#include "lib/base/failure.h"
#include "lib/config/main_cf.h"
#include "lib/table/tables.h"

namespace posthouse::callers {

// Is the sender (internal form, without extension) among the patterns, which stand between blanks or commas?
// An address in external form; "@domain"; "*" for any; `null_pattern` for the null sender, and for no other.
bool is_listed(std::string_view sender, std::string_view patterns, std::string_view null_pattern);

// May the user behind this process send mail as `sender` (internal form)? A refusal is deferred, as is a
// table that cannot be asked. Blocks.
Result<void> check_sender(const config::MainCf& main_cf, const table::Types& types, std::string_view sender);

}  // namespace posthouse::callers
