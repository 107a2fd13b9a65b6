#include "lib/callers/sender_rights.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/callers/parameters.h"
#include "lib/config/core_parameters.h"
#include "lib/mail/extension.h"
#include "lib/mail/quote.h"
#include "lib/runtime/fiber.h"
#include "lib/table/settings.h"
#include "lib/table/table_list.h"

namespace posthouse::callers {
namespace {

constexpr std::string_view kMaps = "local_login_sender_maps";
constexpr std::string_view kSeparators = ", \t\r\n";

// The first pattern, which is taken from the front of `patterns`; blanks and commas in quotes belong to it.
std::string_view take_pattern(std::string_view& patterns) {
  patterns.remove_prefix(std::min(patterns.find_first_not_of(kSeparators), patterns.size()));
  std::size_t end = 0;
  for (bool is_quoted = false; end < patterns.size(); ++end) {
    if (patterns[end] == '"') is_quoted = !is_quoted;
    if (patterns[end] == '\\' && end + 1 < patterns.size()) ++end;
    if (!is_quoted && kSeparators.find(patterns[end]) != std::string_view::npos) break;
  }
  const std::string_view pattern = patterns.substr(0, end);
  patterns.remove_prefix(end);
  return pattern;
}

std::string without_extension(const config::MainCf& main_cf, std::string_view address) {
  const auto messages = config::load<config::Messages>(main_cf);
  const auto identity = config::load<config::Identity>(main_cf);
  if (!messages || !identity) return std::string(address);
  const auto parts = mail::split_address(address);
  const auto split =
      mail::split_extension(parts.local, (*messages)->recipient_delimiter(),
                            (*identity)->double_bounce_sender(), (*messages)->owner_request_special());
  if (!split) return std::string(address);
  return std::string(split->user).append(address.substr(parts.local.size()));
}

std::string login_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry ? entry->pw_name : fmt::format("uid:{}", ::getuid());
}

Lookup patterns_of_user(table::Settings settings, const table::Types& types, const std::string& maps) {
  Lookup found;
  runtime::run([&] {
    table::Tables tables(std::move(settings), types);
    found = table::TableList(tables, kMaps, maps).lookup(login_name());
    runtime::stop();
  });
  return found;
}

}  // namespace

bool is_listed(std::string_view sender, std::string_view patterns, std::string_view null_pattern) {
  const std::string external = mail::to_external(sender);
  const auto at = external.rfind('@');
  const std::string_view site = at == std::string::npos ? "" : std::string_view(external).substr(at);
  while (true) {
    const std::string_view pattern = take_pattern(patterns);
    if (pattern.empty()) return false;
    if (pattern == "*") return true;
    if (equal_ignoring_case(pattern, null_pattern)) {
      if (sender.empty()) return true;
    } else if (!sender.empty()) {
      if (equal_ignoring_case(pattern, pattern.starts_with('@') ? site : external)) return true;
    }
  }
}

Result<void> check_sender(const config::MainCf& main_cf, const table::Types& types, std::string_view sender) {
  const auto rights = config::load<SenderRights>(main_cf);
  if (!rights) return fail(Failure::deferred("4.3.5", rights.error().front().text()));
  const std::string& maps = (*rights)->local_login_sender_maps();
  if (maps == "static:*") return {};
  auto settings = table::settings_from(std::make_shared<const config::MainCf>(main_cf));
  if (!settings) return fail(Failure::deferred("4.3.5", settings.error().front().text()));
  const Lookup found = patterns_of_user(std::move(*settings), types, maps);
  if (std::holds_alternative<Failure>(found))
    return fail(Failure::deferred("4.3.0", fmt::format("{} table lookup error", kMaps)));
  const auto* patterns = std::get_if<std::string>(&found);
  const std::string& null_pattern = (*rights)->empty_address_local_login_sender_maps_lookup_key();
  if (patterns && is_listed(without_extension(main_cf, sender), *patterns, null_pattern)) return {};
  return fail(Failure::deferred(
      "4.7.1", fmt::format("not authorized to use sender='{}'", printable(mail::to_external(sender)))));
}

}  // namespace posthouse::callers
