#include <cstdint>
#include <string_view>

#include "lib/table/alias_source.h"
#include "lib/table/source_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  posthouse::table::SourceReader reader({reinterpret_cast<const char*>(data), size});
  for (posthouse::table::SourceLine line; reader.next(line);) {
    posthouse::table::parse_alias_line(line.text, true);
    posthouse::table::parse_alias_line(line.text, false);
  }
  return 0;
}
