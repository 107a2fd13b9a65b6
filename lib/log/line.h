// One log line before a sink frames it (docs/logging: severity prefix, 2000-byte cut, printable text).
//
// `frame_text` makes the text that every sink writes: the severity prefix ("warning: " and so on, none
// for info), then at most kTextLimit bytes of text with non-printable bytes as '?'.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/base/clock.h"

namespace posthouse::log {

enum class Severity : unsigned char { info, warning, error, fatal, panic };

inline constexpr std::size_t kTextLimit = 2000;

std::string_view prefix_of(Severity severity);
std::string frame_text(Severity severity, std::string_view text, bool keep_utf8);

struct Line {
  Severity severity = Severity::info;
  Time time;
  std::string_view text;  // framed
};

// "Nov 05 06:38:53" in local time, as maillog_file has it; formatted once a second.
class StampCache {
 public:
  std::string_view at(Time time);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace posthouse::log
