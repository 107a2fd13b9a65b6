#include "lib/delivery/status_filter.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/table/settings.h"

namespace posthouse::delivery {

Result<std::shared_ptr<const StatusFilter>> StatusFilter::open(std::shared_ptr<const config::MainCf> main_cf,
                                                               const table::Types& types,
                                                               std::string_view title,
                                                               std::string_view text) {
  if (trim(text).empty()) return nullptr;
  auto settings = table::settings_from(std::move(main_cf));
  if (!settings) return fail(Failure::deferred("4.3.5", settings.error().front().text()));
  auto tables = std::make_unique<table::Tables>(*std::move(settings), types);
  table::TableList list(*tables, title, text);
  return std::make_shared<const StatusFilter>(std::move(tables), std::move(list));
}

std::optional<StatusFilter::Status> StatusFilter::lookup(std::string_view dsn, std::string_view text) const {
  const Lookup found = list_.lookup(fmt::format("{} {}", dsn, text));
  if (std::holds_alternative<Failure>(found)) {
    log::warning("{}: table lookup failure", list_.title());
    return std::nullopt;
  }
  const auto* answer = std::get_if<std::string>(&found);
  if (answer == nullptr) return std::nullopt;
  const mail::DsnText split = mail::split_dsn(*answer, "");
  if (split.dsn.empty() || (split.dsn[0] == '2') != dsn.starts_with('2')) {
    log::warning("{}: bad status code: {}", list_.title(), *answer);
    return std::nullopt;
  }
  return Status{split.dsn, std::string(split.text.empty() ? text : split.text)};
}

}  // namespace posthouse::delivery
