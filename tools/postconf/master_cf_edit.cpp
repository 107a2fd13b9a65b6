#include "tools/postconf/master_cf_edit.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "lib/base/text.h"
#include "lib/config/logical_lines.h"

namespace posthouse::postconf {

namespace {

ServiceLine parse_at(const config::LogicalLine& line, std::string_view file_name) {
  try {
    return ServiceLine::parse(line.text);
  } catch (const BadFieldCount& fatal) {
    throw Fatal(fmt::format("file {}: line {}: {}", file_name, line.number, fatal.what()));
  }
}

}  // namespace

std::vector<ServiceLine> read_services(std::string_view text, std::string_view file_name,
                                       Warnings& warnings) {
  std::vector<ServiceLine> services;
  for (const config::LogicalLine& line : config::logical_lines(text)) {
    if (line.is_orphan) {
      warnings.warn(
          fmt::format("{}: logical line must not start with whitespace: \"{}\"", file_name, line.text));
      continue;
    }
    services.push_back(parse_at(line, file_name));
    for (const std::string& strange : services.back().warnings()) warnings.warn(strange);
  }
  return services;
}

std::string edit_master_cf(std::string_view text, std::string_view file_name,
                           const std::function<ServiceChange(ServiceLine&)>& change,
                           const std::vector<std::string>& append) {
  std::map<int, ServiceChange> changes;  // by first line
  for (const config::LogicalLine& line : config::logical_lines(text)) {
    if (line.is_orphan) continue;
    ServiceLine service = parse_at(line, file_name);
    changes.emplace(line.number, change(service));
  }
  std::string out;
  const ServiceChange* current = nullptr;
  std::string replacement;  // waits for the comments that belong to the old text
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    const std::string_view content = trim_left(line);
    const bool is_comment = content.empty() || content.front() == '#';
    const bool begins = changes.contains(number);
    if (begins) {
      out += std::exchange(replacement, {});
      current = &changes.at(number);
    }
    if (is_comment || current == nullptr || current->kind == ServiceChange::Kind::keep) {
      out += line + "\n";
    } else if (current->kind == ServiceChange::Kind::comment_out) {
      out += "#" + line + "\n";
    } else if (current->kind == ServiceChange::Kind::replace && begins) {
      (current->is_another_entry ? out : replacement) += current->text + "\n";
    }
  }
  out += replacement;
  for (const std::string& line : append) out += line + "\n";
  return out;
}

}  // namespace posthouse::postconf
