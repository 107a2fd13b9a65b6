#include "lib/config/logical_lines.h"

#include "lib/base/text.h"

namespace posthouse::config {

std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> lines;
  int number = 0;
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    std::string_view content = trim_left(line);
    if (content.empty() || content.front() == '#') continue;
    bool continues = content.size() < line.size();
    if (continues && !lines.empty() && !lines.back().is_orphan) {
      lines.back().text += line;
    } else {
      lines.push_back({.text = std::string(line), .number = number, .is_orphan = continues});
    }
  }
  for (LogicalLine& line : lines) line.text.erase(trim_right(line.text).size());
  return lines;
}

}  // namespace posthouse::config
