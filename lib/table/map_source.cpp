#include "lib/table/map_source.h"

#include <fmt/format.h>

#include "lib/base/text.h"

namespace posthouse::table {
namespace {

// End of the key, or npos if a quote stays open.
std::size_t end_of_key(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      if (++i >= line.size()) break;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && is_space(line[i])) {
      return i;
    }
  }
  return quoted ? std::string_view::npos : line.size();
}

}  // namespace

MapLine parse_map_line(std::string_view line, bool utf8) {
  MapLine out;
  line = trim_right(line.substr(0, line.find('\0')));
  if (utf8 && !is_valid_utf8(line)) {
    out.problem = fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", line);
    return out;
  }
  const std::size_t end = end_of_key(line);
  if (end == std::string_view::npos) {
    out.problem = fmt::format("unbalanced '\"' in '{}' -- ignoring this line", line);
    return out;
  }
  out.key = line.substr(0, end);
  out.value = trim_left(line.substr(end));
  if (out.key.empty() || out.value.empty()) {
    out.problem = "expected format: key whitespace value";
  } else if (out.key.back() == ':') {
    out.advice = "record is in \"key: value\" format; is this an alias file?";
  }
  return out;
}

}  // namespace posthouse::table
