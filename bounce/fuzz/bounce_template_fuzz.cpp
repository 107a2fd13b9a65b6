#include "bounce/template.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthouse::bounce;
  Templates templates = built_in_templates();
  static_cast<void>(read_templates({reinterpret_cast<const char*>(data), size}, templates));
  for (const Template& one : templates) {
    static_cast<void>(expand_template(one.text, [](std::string_view name) { return std::string(name); }));
  }
  return 0;
}
