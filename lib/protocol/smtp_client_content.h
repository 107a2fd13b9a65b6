// Turns stored lines into the wire form of message content: CR LF line ends, a dot doubled at the
// start of a line (RFC 5321 section 4.5.2), lines longer than the limit broken with CR LF SPACE.
// Stray CR or LF inside a line becomes a blank: no content can end the message early. Used by
// lib/delivery, which sends `out` in large pieces. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthouse::protocol {

class ContentWriter {
 public:
  // line_limit 0: lines are never broken.
  ContentWriter(std::string& out, std::size_t line_limit) : out_(out), line_limit_(line_limit) {}

  // A piece of a line; `ends` says that the line ends after it.
  void add(std::string_view piece, bool ends);
  // Ends an unfinished last line, and the message with the lone dot.
  void finish();

  // Whether a line has been broken; for the log.
  bool has_broken_lines() const { return broken_; }

 private:
  void append(std::string_view text);

  std::string& out_;
  std::size_t line_limit_;
  std::size_t column_ = 0;
  bool at_start_ = true;
  bool broken_ = false;
};

}  // namespace posthouse::protocol
