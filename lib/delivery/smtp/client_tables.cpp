#include "lib/delivery/smtp/client_tables.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"

namespace posthouse::delivery::smtp {
namespace {

std::optional<ClientTables::Words> words_of(const Lookup& found) {
  const auto* text = std::get_if<std::string>(&found);
  if (text == nullptr) return std::nullopt;
  ClientTables::Words words;
  for (std::string_view word : split_any(*text, ", \t\r\n")) words.emplace_back(word);
  return words;
}

}  // namespace

Result<std::shared_ptr<const ClientTables>> ClientTables::open(
    const std::shared_ptr<const config::MainCf>& main_cf, const ClientParameters& parameters) {
  const std::string* texts[] = {&parameters.discard_keyword_maps(), &parameters.pix_workaround_maps(),
                                &parameters.reply_filter(), &parameters.dns_reply_filter()};
  if (std::ranges::all_of(texts, [](const std::string* text) { return trim(*text).empty(); })) return nullptr;
  auto settings = table::settings_from(main_cf);
  if (!settings) return fail(Failure::deferred("4.3.5", settings.error().front().text()));
  return std::make_shared<const ClientTables>(*std::move(settings), parameters);
}

ClientTables::ClientTables(table::Settings settings, const ClientParameters& parameters)
    : tables_(std::move(settings), table::all_types()) {
  const auto list = [this](const config::Str& parameter) {
    return table::TableList(tables_, parameter.spec().name, parameter());
  };
  discard_keywords_ = list(parameters.discard_keyword_maps);
  pix_workarounds_ = list(parameters.pix_workaround_maps);
  dns_reply_filter_ = list(parameters.dns_reply_filter);
  if (const auto filter = trim(parameters.reply_filter()); !filter.empty())
    reply_filter_ = tables_.open_or_failing(filter, table::kLookupFlags | table::Flag::empty_key);
}

Result<std::optional<ClientTables::Words>> ClientTables::discarded_keywords(std::string_view address) const {
  const Lookup found = discard_keywords_.lookup(address);
  if (const auto* failure = std::get_if<Failure>(&found)) return fail(*failure);
  return words_of(found);
}

std::optional<ClientTables::Words> ClientTables::pix_workarounds(std::string_view address) const {
  return words_of(pix_workarounds_.lookup(address));
}

Result<std::optional<std::string>> ClientTables::replaced_reply(std::string_view line) const {
  Lookup found = reply_filter_->query(line);
  if (const auto* failure = std::get_if<Failure>(&found)) return fail(*failure);
  auto* text = std::get_if<std::string>(&found);
  if (text == nullptr) return std::nullopt;
  return std::move(*text);
}

}  // namespace posthouse::delivery::smtp
