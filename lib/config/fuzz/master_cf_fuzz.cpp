#include "lib/config/master_cf.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = posthouse::config::parse_master_cf(text, "master.cf");
  if (!file) return file.error().empty() ? __builtin_trap(), 0 : 0;
  for (const auto& entry : file->entries) {
    if (entry.columns.size() != 8 || entry.name.empty()) __builtin_trap();
    static_cast<void>(entry.overrides());
  }
  return 0;
}
