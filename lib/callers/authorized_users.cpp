#include "lib/callers/authorized_users.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "lib/callers/parameters.h"
#include "lib/log/log.h"
#include "lib/table/match_list.h"

namespace posthouse::callers {
namespace {

struct Rule {
  const config::Str& users;
  std::string_view verb;
};

Rule rule_of(const AuthorizedUsers& all, Action action) {
  switch (action) {
    case Action::submit:
      return {all.authorized_submit_users, "submit mail"};
    case Action::view_queue:
      return {all.authorized_mailq_users, "view the mail queue"};
    case Action::flush_queue:
      break;
  }
  return {all.authorized_flush_users, "flush the mail queue"};
}

}  // namespace

void must_be_allowed(const command::Started& started, Action action, int status) {
  const auto all = config::load<AuthorizedUsers>(started.main_cf);
  if (!all) log::die(all.error().front().text(), status);
  const Rule rule = rule_of(**all, action);
  if (rule.users() == "static:anyone") return;
  table::Tables tables({.config_directory = started.config_directory}, table::text_types());
  const std::string& name = rule.users.spec().name;
  const table::MatchList allowed(tables, name, rule.users(), {});
  const passwd* entry = ::getpwuid(::getuid());
  const auto match = allowed.matches(entry ? entry->pw_name : "unknown");
  if (!match) log::die(fmt::format("{}: table lookup problem", name), status);
  if (!*match) log::die(fmt::format("User {} is not allowed to {}", command::caller(), rule.verb), status);
}

}  // namespace posthouse::callers
