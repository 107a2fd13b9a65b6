// Command lines of an SMTP client (RFC 5321 2.3.8), found in bytes as they arrive.
//
// Lines end with CRLF; a bare LF ends one too and is reported, so that the server can refuse it. A line
// of `limit` bytes or more is cut there: the rest is skipped, whatever its length, without being kept. The
// reader does no I/O and keeps nothing but one flag between calls.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace posthouse::protocol {

struct SmtpLine {
  std::string_view text;  // without line end, into the bytes given
  bool has_bare_lf = false;
  bool is_too_long = false;  // text is the first `limit` bytes
};

class SmtpLineReader {
 public:
  explicit SmtpLineReader(std::size_t limit) : limit_(limit) {}

  // Looks at the start of `bytes`; `used` receives how many of them to consume: those of the line found,
  // or, for an over-long line whose end is not there yet, what was skipped. Nothing: more bytes are needed.
  std::optional<SmtpLine> next(std::string_view bytes, std::size_t& used);
  // Bytes skipped since the last complete line: the caller ends the session when it loses patience.
  std::size_t skipped() const { return skipped_; }

 private:
  std::size_t limit_;
  std::size_t skipped_ = 0;
};

}  // namespace posthouse::protocol
