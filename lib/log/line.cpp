#include "lib/log/line.h"

#include <algorithm>
#include <ctime>

#include "lib/base/text.h"

namespace posthouse::log {

std::string_view prefix_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "";
    case Severity::warning:
      return "warning: ";
    case Severity::error:
      return "error: ";
    case Severity::fatal:
      return "fatal: ";
    case Severity::panic:
      return "panic: ";
  }
  return "";
}

std::string frame_text(Severity severity, std::string_view text, bool keep_utf8) {
  std::string out(prefix_of(severity));
  text = text.substr(0, kTextLimit);
  const bool plain = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
  if (plain) {
    out += text;
  } else {
    out += printable(text, keep_utf8);
  }
  return out;
}

std::string_view StampCache::at(Time time) {
  const std::int64_t second = unix_seconds(time);
  if (second == second_) return text_;
  second_ = second;
  const auto clock = static_cast<std::time_t>(second);
  std::tm parts{};
  localtime_r(&clock, &parts);
  char buffer[32];
  const std::size_t size = std::strftime(buffer, sizeof buffer, "%b %d %H:%M:%S", &parts);
  text_.assign(buffer, size);
  return text_;
}

}  // namespace posthouse::log
