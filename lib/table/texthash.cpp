// texthash: a postmap source file, read when it is opened.
#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/table/file_value.h"
#include "lib/table/map_source.h"
#include "lib/table/memory_table.h"
#include "lib/table/source_lines.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

void add_line(MemoryTable& table, const std::string& path, const SourceLine& line, Flag flags) {
  const auto complain = [&](std::string_view what) {
    log::warning("{}, line {}: {}", path, line.number, what);
  };
  const MapLine parsed = parse_map_line(line.text, has(flags, Flag::utf8));
  if (!parsed.problem.empty()) {
    const bool is_format = parsed.problem.starts_with("expected format");
    return complain(parsed.problem + (is_format ? " -- ignoring this line" : ""));
  }
  if (!parsed.advice.empty()) complain(parsed.advice);
  std::string value(parsed.value);
  if (has(flags, Flag::base64_file)) {
    auto encoded = encoded_files(value);
    if (!encoded) return complain(encoded.error().text + ": skipping this entry");
    value = std::move(*encoded);
  }
  if (table.add(parsed.key, value)) return;
  if (has(flags, Flag::duplicate_ignore)) return;
  if (has(flags, Flag::duplicate_replace)) {
    (void)table.update(parsed.key, value);
    return;
  }
  complain(fmt::format("duplicate entry: \"{}\"", parsed.key));
}

}  // namespace

Opened open_texthash(Tables&, std::string_view name, Flag flags) {
  if (has(flags, Flag::write)) {
    return fail(
        Failure::deferred("4.3.5", fmt::format("texthash:{} map requires O_RDONLY access mode", name)));
  }
  const std::string path(name);
  auto file = read_file(path, "open database");
  if (!file) return fail(std::move(file.error()));
  auto table = std::make_unique<MemoryTable>("texthash", path, flags, file->mark);
  SourceReader reader(file->text);
  for (SourceLine line; reader.next(line);) {
    if (const auto problem = leading_space_problem(line); !problem.empty()) {
      log::warning("{}: {}", path, problem);
      continue;
    }
    add_line(*table, path, line, flags);
  }
  return table;
}

}  // namespace posthouse::table
