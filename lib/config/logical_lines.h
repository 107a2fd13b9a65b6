// The line rule that main.cf, master.cf and table sources share: comments and empty lines vanish,
// a line that begins with white space continues the one before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthouse::config {

struct LogicalLine {
  std::string text;        // joined, without trailing white space
  int number = 0;          // of its first line, from 1
  bool is_orphan = false;  // begins with white space but has nothing to continue
};

std::vector<LogicalLine> logical_lines(std::string_view text);

}  // namespace posthouse::config
