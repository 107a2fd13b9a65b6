// Any EHLO reply text gives capabilities without a crash.
#include "lib/protocol/smtp_client_capabilities.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  posthouse::protocol::Reply reply{.code = 250, .dsn = {}, .text = {}};
  reply.text.assign(reinterpret_cast<const char*>(bytes), size);
  const std::vector<std::string> discard{"DSN"};
  posthouse::protocol::parse_capabilities(reply, discard);
  return 0;
}
