// Openers of the types that need no third-party library; see text_types() in tables.h.
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

using Opened = Result<std::unique_ptr<Table>>;

Opened open_texthash(Tables& tables, std::string_view name, Flag flags);
Opened open_inline(Tables& tables, std::string_view name, Flag flags);
Opened open_static(Tables& tables, std::string_view name, Flag flags);
Opened open_cidr(Tables& tables, std::string_view name, Flag flags);
Opened open_regexp(Tables& tables, std::string_view name, Flag flags);
Opened open_unionmap(Tables& tables, std::string_view name, Flag flags);
Opened open_pipemap(Tables& tables, std::string_view name, Flag flags);
Opened open_randmap(Tables& tables, std::string_view name, Flag flags);
Opened open_environ(Tables& tables, std::string_view name, Flag flags);
Opened open_unix(Tables& tables, std::string_view name, Flag flags);
Opened open_internal(Tables& tables, std::string_view name, Flag flags);
Opened open_fail(Tables& tables, std::string_view name, Flag flags);
Opened open_proxy(Tables& tables, std::string_view name, Flag flags);
Opened open_tcp(Tables& tables, std::string_view name, Flag flags);
Opened open_socketmap(Tables& tables, std::string_view name, Flag flags);
Opened open_memcache(Tables& tables, std::string_view name, Flag flags);
Opened open_debug(Tables& tables, std::string_view name, Flag flags);

}  // namespace posthouse::table
