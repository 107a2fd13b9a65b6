// Changes of master.cf text, service by service; all other services stay as they are. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/postconf/service_line.h"

namespace posthouse::postconf {

struct ServiceChange {
  enum class Kind : unsigned char { keep, replace, comment_out, remove };
  Kind kind = Kind::keep;
  std::string text = {};          // for replace
  bool is_another_entry = false;  // for replace: comments of the old one stay behind it
};

// Asks `change` about each service. Comments within and after a changed one move in front of it. `append` is
// a new service line at the end, or empty. Throws Fatal "file NAME: line N: ..." for a line that cannot be
// read.
std::string edit_master_cf(std::string_view text, std::string_view file_name,
                           const std::function<ServiceChange(ServiceLine&)>& change,
                           const std::vector<std::string>& append = {});

// All services in file order.
std::vector<ServiceLine> read_services(std::string_view text, std::string_view file_name, Warnings& warnings);

}  // namespace posthouse::postconf
