// One logical line of a postmap source file (also texthash): `key white-space value`.
//
// The key ends at white space outside double quotes; quotes and backslashes stay part of it. The value is
// trimmed. `problem` says why there is no entry, in the reference's words; `advice` is a warning about an
// entry that counts nevertheless. Pure code.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::table {

struct MapLine {
  std::string_view key;  // into the line
  std::string_view value;
  std::string problem;
  std::string advice;
};

MapLine parse_map_line(std::string_view line, bool utf8);

}  // namespace posthouse::table
