#include <cstddef>
#include <cstdint>
#include <string_view>

#include "local/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)posthouse::local::parse_targets(text);
  (void)posthouse::local::parse_target_file(text);
  return 0;
}
