#include "lib/table/fold.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "lib/base/text.h"

namespace posthouse::table {
namespace {

struct SimpleFold {
  char32_t first, last;
  unsigned stride;
  int delta;
};
struct FullFold {
  char32_t code;
  char32_t folded[3];
};
#include "lib/table/fold_table.inc"

void append_utf8(std::string& out, char32_t code) {
  const auto byte = [&](char32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6)), byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12)), byte(0x80 | ((code >> 6) & 0x3F)), byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18)), byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F)), byte(0x80 | (code & 0x3F));
  }
}

void append_folded(std::string& out, char32_t code) {
  const auto* full = std::lower_bound(std::begin(kFullFolds), std::end(kFullFolds), code,
                                      [](const FullFold& fold, char32_t value) { return fold.code < value; });
  if (full != std::end(kFullFolds) && full->code == code) {
    for (char32_t part : full->folded)
      if (part != 0) append_utf8(out, part);
    return;
  }
  const auto* simple =
      std::lower_bound(std::begin(kSimpleFolds), std::end(kSimpleFolds), code,
                       [](const SimpleFold& fold, char32_t value) { return fold.last < value; });
  if (simple != std::end(kSimpleFolds) && simple->first <= code &&
      (code - simple->first) % simple->stride == 0)
    code = static_cast<char32_t>(static_cast<std::int32_t>(code) + simple->delta);
  append_utf8(out, code);
}

// Length of the sequence at the start of `text` and its code point; the text is valid UTF-8.
std::size_t decode_utf8(std::string_view text, char32_t& code) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = at(0) < 0xE0 ? 2 : at(0) < 0xF0 ? 3 : 4;
  code = at(0) & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (at(i) & 0x3FU);
  return length;
}

}  // namespace

std::string fold_case(std::string_view text, bool utf8) {
  if (!utf8 || is_ascii(text) || !is_valid_utf8(text)) return lower(text);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      out += to_lower(text.front());
      text.remove_prefix(1);
      continue;
    }
    char32_t code = 0;
    const std::size_t length = decode_utf8(text, code);
    append_folded(out, code);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace posthouse::table
