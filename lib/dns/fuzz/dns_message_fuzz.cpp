// Any packet gives a message for every type, bounded in size.
#include <cstdlib>

#include "lib/dns/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using posthouse::dns::Type;
  const std::string_view packet(reinterpret_cast<const char*>(bytes), size);
  for (Type type :
       {Type::a, Type::cname, Type::ptr, Type::mx, Type::txt, Type::aaaa, Type::srv, Type::tlsa}) {
    const auto message = posthouse::dns::parse_message(packet, type);
    if (message.records.size() > posthouse::dns::kRecordLimit) std::abort();
    if (message.malformed && !message.records.empty()) std::abort();
  }
  return 0;
}
