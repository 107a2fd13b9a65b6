// smtp_generic_maps: replaces local-only addresses by ones the Internet knows, in the envelope and in the
// headers of what is sent (generic(5)). Not recursive. A table that fails defers the mail.
#pragma once

#include <memory>
#include <string>

#include "lib/base/failure.h"
#include "lib/config/main_cf.h"
#include "lib/table/address_lookup.h"
#include "lib/table/match_list.h"
#include "lib/table/tables.h"

namespace posthouse::delivery::smtp {

class GenericMap {
 public:
  // Null if the parameter (`title`: smtp_generic_maps) with this text is empty.
  static Result<std::shared_ptr<const GenericMap>> open(const std::shared_ptr<const config::MainCf>& main_cf,
                                                        std::string_view title, std::string_view text);

  GenericMap(std::unique_ptr<table::Tables> tables, table::TableList list, table::AddressRules rules,
             bool propagates_extension)
      : tables_(std::move(tables)),
        list_(std::move(list)),
        rules_(std::move(rules)),
        propagates_extension_(propagates_extension) {}

  // Internal form in and out; an address that no table knows stays. May wait.
  Result<std::string> map(const std::string& address) const;
  // A logical header with addresses ("To: ..."), lines joined by newlines. May wait.
  Result<std::string> map_header(std::string_view header) const;
  // Name of a table that was changed since; empty if none.
  std::string changed_table() const { return tables_ ? tables_->changed() : std::string(); }

 private:
  std::unique_ptr<table::Tables> tables_;
  table::TableList list_;
  table::AddressRules rules_;
  bool propagates_extension_;
};

}  // namespace posthouse::delivery::smtp
