#include "lib/protocol/smtp_line.h"

namespace posthouse::protocol {

std::optional<SmtpLine> SmtpLineReader::next(std::string_view bytes, std::size_t& used) {
  used = 0;
  // While skipping, the first `limit` bytes of the line stay in front; only what follows is dropped by
  // handing back a line at once and swallowing up to its end later.
  const std::size_t newline = bytes.find('\n');
  if (skipped_ > 0) {
    used = newline == std::string_view::npos ? bytes.size() : newline + 1;
    skipped_ = newline == std::string_view::npos ? skipped_ + used : 0;
    if (newline == std::string_view::npos) return std::nullopt;
    std::size_t more = 0;
    auto line = next(bytes.substr(used), more);
    used += more;
    return line;
  }
  if (newline == std::string_view::npos && bytes.size() <= limit_) return std::nullopt;
  if (newline == std::string_view::npos || newline > limit_) {
    const bool has_end = newline != std::string_view::npos;
    used = has_end ? newline + 1 : bytes.size();
    if (!has_end) skipped_ = bytes.size() - limit_;
    return SmtpLine{.text = bytes.substr(0, limit_), .is_too_long = true};
  }
  used = newline + 1;
  const bool has_cr = newline > 0 && bytes[newline - 1] == '\r';
  return SmtpLine{.text = bytes.substr(0, newline - (has_cr ? 1 : 0)), .has_bare_lf = !has_cr};
}

}  // namespace posthouse::protocol
