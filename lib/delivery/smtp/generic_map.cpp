#include "lib/delivery/smtp/generic_map.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/mail/address_list.h"
#include "lib/mail/header.h"
#include "lib/mail/quote.h"
#include "lib/table/local_domain.h"
#include "lib/table/parameters.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"

namespace posthouse::delivery::smtp {
namespace {

Failure unusable(const config::Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "; ") + problem.text();
  return Failure::deferred("4.3.5", std::move(text));
}

}  // namespace

Result<std::shared_ptr<const GenericMap>> GenericMap::open(
    const std::shared_ptr<const config::MainCf>& main_cf, std::string_view title, std::string_view text) {
  if (trim(text).empty()) return nullptr;
  const auto settings = table::settings_from(main_cf);
  if (!settings) return fail(unusable(settings.error()));
  const auto identity = config::load<config::Identity>(*main_cf);
  const auto messages = config::load<config::Messages>(*main_cf);
  const auto maps = config::load<table::AddressMapParameters>(*main_cf);
  if (!identity) return fail(unusable(identity.error()));
  if (!messages) return fail(unusable(messages.error()));
  if (!maps) return fail(unusable(maps.error()));
  const auto networks = config::load<config::Networks>(*main_cf);
  if (!networks) return fail(unusable(networks.error()));
  const config::OwnAddresses own(main_cf->host(), **networks);
  const auto destinations = main_cf->expand((*identity)->mydestination());
  if (!destinations) return fail(Failure::deferred("4.3.5", destinations.error().text()));

  auto tables = std::make_unique<table::Tables>(*settings, table::all_types());
  table::TableList list(*tables, title, text);
  auto local =
      std::make_shared<table::MatchList>(*tables, "mydestination", *destinations,
                                         table::MatchList::Options{.kind = table::MatchList::Kind::string});
  table::AddressRules rules;
  rules.recipient_delimiter = (*messages)->recipient_delimiter();
  rules.myorigin = (*identity)->myorigin();
  rules.double_bounce_sender = (*identity)->double_bounce_sender();
  rules.owner_request_special = (*messages)->owner_request_special();
  rules.is_local_domain = [local, own](std::string_view domain) {
    return table::is_local_domain(domain, *local, own);
  };
  const auto& kinds = (*maps)->propagate_unmatched_extensions();
  const bool propagates = std::ranges::find(kinds, "generic") != kinds.end();
  return std::make_shared<const GenericMap>(std::move(tables), std::move(list), std::move(rules), propagates);
}

Result<std::string> GenericMap::map(const std::string& address) const {
  const auto found = table::find_address(list_, address, rules_, table::AddressKeys::rewriting);
  if (const auto* failure = std::get_if<Failure>(&found)) return fail(*failure);
  const auto* match = std::get_if<table::AddressMatch>(&found);
  if (match == nullptr) return address;
  const auto list = mail::AddressList::parse(match->value);
  if (list.size() != 1) return fail(Failure::deferred("4.3.5", fmt::format("bad {} entry", list_.title())));
  std::string mapped = mail::to_internal(list[0]);
  if (mapped.starts_with('@')) {
    std::string_view local = mail::split_address(address).local;
    local.remove_suffix(match->extension.size());
    mapped.insert(0, local);
  }
  return propagates_extension_ ? table::add_extension(mapped, match->extension) : mapped;
}

Result<std::string> GenericMap::map_header(std::string_view header) const {
  auto list = mail::AddressList::parse(mail::header_value(header));
  bool is_changed = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string before = mail::to_internal(list[i]);
    if (before.empty()) continue;
    auto after = map(before);
    if (!after) return fail(after.error());
    list.replace(i, mail::to_external(*after));
    is_changed = is_changed || *after != before;
  }
  if (!is_changed) return std::string(header);
  return list.header(header.substr(0, mail::header_name_length(header)));
}

}  // namespace posthouse::delivery::smtp
