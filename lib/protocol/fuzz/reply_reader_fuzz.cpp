// Any bytes in any pieces: the same replies as in one piece, and memory stays bounded.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "lib/protocol/reply_reader.h"

namespace {

std::string replies(std::string_view bytes, std::size_t piece) {
  posthouse::protocol::ReplyReader reader;
  std::string all;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (auto reply = reader.next())
      all += reply->has_value() ? (*reply)->text + "|" + (*reply)->status() + "\n" : "broken\n";
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (size > 100000) return 0;
  if (replies(text, size + 1) != replies(text, 7)) std::abort();
  return 0;
}
