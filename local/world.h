// The real world of the expander: alias tables, accounts, .forward and :include: files.
//
// Files are read by worker threads with the rights of the user concerned, at most kFileLimit bytes.
#pragma once

#include <memory>

#include "lib/table/match_list.h"
#include "lib/table/table_list.h"
#include "local/expander.h"

namespace posthouse::local {

struct WorldSettings {
  std::shared_ptr<table::Tables> tables;
  table::TableList mailbox_transports, fallback_transports;
  table::TableList aliases;
  table::MatchList mydestination;
  std::vector<std::string> forward_path;  // unexpanded
  std::string forward_expansion_filter;   // characters that values in forward_path may have
};

inline constexpr std::size_t kFileLimit = 4 * 1024 * 1024;

World make_world(const std::shared_ptr<const WorldSettings>& settings);

}  // namespace posthouse::local
