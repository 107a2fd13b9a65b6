#include "lib/table/source_lines.h"

#include <fmt/format.h>

#include "lib/base/text.h"

namespace posthouse::table {

bool SourceReader::next_physical(std::string_view& line) {
  if (rest_.empty()) return false;
  const auto end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  ++number_;
  return true;
}

bool SourceReader::next(SourceLine& line) {
  line.text.clear();
  std::string_view physical;
  while (next_physical(physical)) {
    const auto content = trim_left(physical);
    if (content.empty() || content.front() == '#') continue;
    if (line.text.empty()) line.number = number_;
    line.text += physical;
    // Look ahead: does a continuation follow? Blank and comment lines are no end.
    while (!rest_.empty()) {
      const auto ahead = rest_.substr(0, rest_.find('\n'));
      const auto ahead_content = trim_left(ahead);
      if (!ahead_content.empty() && ahead_content.front() != '#') break;
      next_physical(physical);
    }
    if (rest_.empty() || !is_space(rest_.front())) return true;
  }
  return !line.text.empty();
}

std::string leading_space_problem(const SourceLine& line) {
  if (line.text.empty() || !is_space(line.text.front())) return {};
  return fmt::format("logical line must not start with whitespace: \"{:.30s}{}\"", line.text,
                     line.text.size() > 30 ? "..." : "");
}

}  // namespace posthouse::table
