// The postmap and postalias commands: options, queries, deletion, dump, building.
#pragma once

#include <string_view>

#include "lib/table/tool/build.h"

namespace posthouse::table {

struct CommandDialect {
  std::string_view program;       // "postmap"
  std::string_view option_chars;  // for getopt
  std::string_view usage;         // the option letters shown in the usage line
  SourceKind kind;
  std::string_view after_key;  // ":" in dumps of alias databases
};

inline constexpr CommandDialect kPostmap{"postmap", "Nbc:d:fFhijmnopq:rsuUvw",
                                         "[-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] [-q key]",
                                         SourceKind::map, ""};
inline constexpr CommandDialect kPostalias{"postalias", "Nc:d:fijnopq:rsuvw",
                                           "[-Nfijnoprsuvw] [-c config_dir] [-d key] [-q key]",
                                           SourceKind::aliases, ":"};

// Returns the exit status. Runs the event loop for tables that wait.
int run_command(int argc, char** argv, const CommandDialect& dialect);

}  // namespace posthouse::table
