#include <cstdint>
#include <string_view>

#include "lib/table/network.h"
#include "lib/table/pattern_rules.h"
#include "lib/table/query_template.h"
#include "lib/table/source_lines.h"
#include "lib/table/substitution.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthouse::table;
  static const PatternDialect dialect{.type = "regexp", .option_chars = "imx", .has_second_pattern = true};
  SourceReader reader({reinterpret_cast<const char*>(data), size});
  for (SourceLine line; reader.next(line);) {
    const auto rule = parse_rule(line.text, dialect);
    Substitution substitution;
    Substitution::Problem problem;
    if (substitution.parse(rule.result, "out of range", problem)) substitution.apply({});
    std::string text;
    parse_network(line.text, text);
    (void)QueryTemplate::is_valid(line.text);
    (void)QueryTemplate(line.text).expand("user@mail.example.com", {});
  }
  return 0;
}
