// Where an alias, an :include: file or a .forward file sends mail: the right-hand side, taken apart.
//
// Pure. Targets are separated by commas (and line ends in files); a quoted target keeps its blanks and
// commas. Lines that start with "#" in files are comments. At most kTargetLimit targets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.h"

namespace posthouse::local {

inline constexpr std::size_t kTargetLimit = 100'000;

struct Target {
  enum class Kind : unsigned char { address, file, command, include };
  Kind kind = Kind::address;
  std::string text;              // internal form of the address; path; command
  bool skips_expansion = false;  // "\user": straight to the mailbox
  bool operator==(const Target&) const = default;
};

// One list of a table value or of one line. Unbalanced quotes are a deferral: half a command is none.
Result<std::vector<Target>> parse_targets(std::string_view list);
// A whole .forward or :include: file.
Result<std::vector<Target>> parse_target_file(std::string_view text);

}  // namespace posthouse::local
