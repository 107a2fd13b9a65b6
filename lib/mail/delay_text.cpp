#include "lib/mail/delay_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace posthouse::mail {

std::string delay_text(std::chrono::microseconds delay, int decimals) {
  const std::int64_t micros = delay.count();
  if (micros <= 0) return "0";
  // Decimals shown: two significant digits after the first, none from ten seconds on.
  int digits = micros >= 10'000'000 ? 0 : micros >= 1'000'000 ? 1 : 2;
  if (micros < 100'000) digits = 3;
  if (micros < 10'000) digits = 4;
  if (micros < 1'000) digits = 5;
  digits = std::min(digits, std::max(decimals, 0));
  std::int64_t scale = 1;
  for (int i = 0; i < digits; ++i) scale *= 10;
  const std::int64_t unit = 1'000'000 / scale;
  const std::int64_t rounded = (micros + unit / 2) / unit;
  std::string text = fmt::format("{}", rounded / scale);
  if (digits > 0 && rounded % scale != 0) {
    text += fmt::format(".{:0{}}", rounded % scale, digits);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text;
}

}  // namespace posthouse::mail
