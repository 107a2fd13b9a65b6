// What is wrong with a configuration: one problem, one line for the administrator.
//
// Loading collects all of them instead of stopping at the first; a daemon logs each and refuses
// to start (or keeps the old parameters on reload).
#pragma once

#include <string>
#include <vector>

namespace posthouse::config {

struct Problem {
  std::string where;      // "/etc/postfix/main.cf, line 12"; empty for a value that is in no file
  std::string parameter;  // empty when the line has no parameter name
  std::string value;      // as written
  std::string expected;   // "a number of at least 1"; without a parameter, the whole complaint

  std::string text() const;
};

using Problems = std::vector<Problem>;

}  // namespace posthouse::config
