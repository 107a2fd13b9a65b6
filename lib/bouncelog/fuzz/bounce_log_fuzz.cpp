#include "lib/bouncelog/log_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthouse::bouncelog;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const LogKind kind : {LogKind::bounce, LogKind::defer, LogKind::trace}) {
    const ParsedLog log = parse_log(text, kind);
    std::string again;
    for (const auto& record : log.records) append_entry(again, record, {});
    if (parse_log(again, LogKind::trace).records.size() != log.records.size()) __builtin_trap();
  }
  return 0;
}
