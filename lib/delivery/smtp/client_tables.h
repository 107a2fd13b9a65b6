// Tables about servers: what of their announcements is not to be believed, what stands between them and us,
// what their replies and DNS records mean. All questions may wait.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.h"
#include "lib/config/main_cf.h"
#include "lib/delivery/smtp_parameters.h"
#include "lib/table/table_list.h"
#include "lib/table/tables.h"

namespace posthouse::delivery::smtp {

class ClientTables {
 public:
  using Words = std::vector<std::string>;

  // Null if no parameter names a table.
  static Result<std::shared_ptr<const ClientTables>> open(
      const std::shared_ptr<const config::MainCf>& main_cf, const ClientParameters& parameters);
  ClientTables(table::Settings settings, const ClientParameters& parameters);

  // The list for this server; nothing if the general one counts. A failure has been logged.
  Result<std::optional<Words>> discarded_keywords(std::string_view address) const;
  // The same; a table that cannot say it is passed over.
  std::optional<Words> pix_workarounds(std::string_view address) const;
  bool has_reply_filter() const { return reply_filter_ != nullptr; }
  // What stands in place of a reply line, if anything.
  Result<std::optional<std::string>> replaced_reply(std::string_view line) const;
  std::string reply_filter_name() const { return reply_filter_->spec(); }
  const std::string& discard_keywords_title() const { return discard_keywords_.title(); }
  const table::TableList& dns_reply_filter() const { return dns_reply_filter_; }

  // Name of a table that was changed since; empty if none.
  std::string changed_table() const { return tables_.changed(); }

 private:
  mutable table::Tables tables_;
  table::TableList discard_keywords_, pix_workarounds_, dns_reply_filter_;
  std::shared_ptr<table::Table> reply_filter_;
};

}  // namespace posthouse::delivery::smtp
