#include "tools/postconf/folding.h"

#include "lib/base/text.h"

namespace posthouse::postconf {

std::string squeezed(std::string_view text, bool folds) {
  constexpr std::size_t kWidth = 80;
  std::string out;
  std::size_t column = 0;
  for (const std::string_view word : split_any(text, " \t\r\n")) {
    if (out.empty()) {
      column = word.size();
    } else if (folds && column + 1 + word.size() > kWidth) {
      out += "\n    ";
      column = 4 + word.size();
    } else {
      out += ' ';
      column += 1 + word.size();
    }
    out += word;
  }
  return out;
}

}  // namespace posthouse::postconf
