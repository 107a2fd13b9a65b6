// Log lines of proxymap.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace posthouse::proxymap {

struct UnapprovedTable {
  std::string_view table, access, parameter;
  std::string text() const { return fmt::format("request for unapproved table: \"{}\"", table); }
  std::string advice() const {
    return fmt::format("to approve this table for {} access, list proxy:{} in main.cf:{}", access, table,
                       parameter);
  }
};

struct RefusedUpdate {
  std::string_view request, table;
  std::string text() const {
    return fmt::format("refusing {} request on read-only service for table: \"{}\"", request, table);
  }
};

struct TableChanged {
  std::string_view table;
  std::string text() const { return fmt::format("table {} has changed -- restarting", table); }
};

}  // namespace posthouse::proxymap
