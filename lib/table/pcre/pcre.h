// pcre: Perl-compatible regular expressions (PCRE2 with JIT).
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

Result<std::unique_ptr<Table>> open_pcre(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
