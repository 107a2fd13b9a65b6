// main.cf text of any bytes: parsing and expanding every value ends, within limits.
#include <cstddef>
#include <cstdint>

#include "lib/config/main_cf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto main_cf = posthouse::config::MainCf::parse(text, "main.cf");
  if (!main_cf) return 0;
  for (const auto& [name, entry] : main_cf->entries()) {
    if (auto value = main_cf->expand(entry.value); value && value->size() > 2 * main_cf->kExpansionLimit)
      return 1;
  }
  return 0;
}
