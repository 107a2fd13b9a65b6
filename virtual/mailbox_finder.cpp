#include "virtual/mailbox_finder.h"

#include "lib/base/text.h"
#include "lib/log/log.h"

namespace posthouse::virtual_agent {
namespace {

constexpr auto kKeys =
    table::AddressKeys::full | table::AddressKeys::without_extension | table::AddressKeys::at_domain;

Failure misconfigured() {
  return Failure::deferred("4.3.5", "mail system configuration error");
}

}  // namespace

Result<Place> MailboxFinder::find(std::string_view recipient) const {
  const std::string address = lower(recipient);
  const auto found = table::find_address(settings_.mailboxes, address, settings_.rules, kKeys);
  if (std::holds_alternative<Failure>(found)) {
    return fail(Failure::deferred("4.3.0", "table lookup failure"));
  }
  if (std::holds_alternative<NotFound>(found)) {
    return fail(Failure::bounced("5.1.1", "unknown user: \"" + address + "\""));
  }
  Place place{.path = std::get<table::AddressMatch>(found).value, .owner = {}};
  if (!settings_.needs_owner) return place;
  const auto user = id_of(settings_.users, address);
  if (!user) return fail(user.error());
  if (*user < settings_.minimum_uid) {
    log::warning("recipient {}: bad uid {} in {}", address, *user, settings_.users.title());
    return fail(misconfigured());
  }
  const auto group = id_of(settings_.groups, address);
  if (!group) return fail(group.error());
  if (*group == 0) {
    log::warning("recipient {}: bad gid {} in {}", address, *group, settings_.groups.title());
    return fail(misconfigured());
  }
  place.owner = {.uid = *user, .gid = *group};
  return place;
}

Result<unsigned> MailboxFinder::id_of(const table::TableList& table, const std::string& address) const {
  const auto found = table::find_address(table, address, settings_.rules, kKeys);
  if (std::holds_alternative<Failure>(found)) {
    return fail(Failure::deferred("4.3.0", "table lookup failure"));
  }
  if (std::holds_alternative<NotFound>(found)) {
    log::warning("recipient {}: not found in {}", address, table.title());
    return fail(misconfigured());
  }
  const auto number = parse_int<unsigned>(std::get<table::AddressMatch>(found).value);
  if (!number) {
    log::warning("recipient {}: bad value {} in {}", address, std::get<table::AddressMatch>(found).value,
                 table.title());
    return fail(misconfigured());
  }
  return *number;
}

}  // namespace posthouse::virtual_agent
