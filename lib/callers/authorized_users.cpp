#include "lib/callers/authorized_users.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/table/match_list.h"

namespace posthouse::callers {

void must_be_in(const command::Started& started, const std::string& name, std::string_view action,
                int status) {
  const std::string users = started.value(name);
  if (users == "static:anyone") return;
  table::Tables tables({.config_directory = started.config_directory}, table::text_types());
  const table::MatchList allowed(tables, name, users, {});
  const passwd* entry = ::getpwuid(::getuid());
  const auto match = allowed.matches(entry ? entry->pw_name : "unknown");
  if (!match) log::die(fmt::format("{}: table lookup problem", name), status);
  if (!*match) log::die(fmt::format("User {} is not allowed to {}", command::caller(), action), status);
}

}  // namespace posthouse::callers
