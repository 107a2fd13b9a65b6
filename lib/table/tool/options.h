// Command line of postmap and postalias.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/table/tool/command.h"

namespace posthouse::table {

struct CommandOptions {
  std::string config_directory;
  std::optional<std::string> query, erase;
  bool dump = false, incremental = false, json = false;
  bool headers = false, body = false, mime = false;
  bool keep_root = false, inherit_mode = true;
  Flag flags = Flag::fold_fixed | Flag::utf8;
  std::vector<std::string> tables;
};

// The text of what is wrong; empty if all is well. May warn about options without effect.
std::string parse_options(int argc, char** argv, const CommandDialect& dialect, CommandOptions& options);

}  // namespace posthouse::table
