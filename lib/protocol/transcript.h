// What was said in an SMTP session, for a notice to the postmaster.
//
// Kept as plain bytes in one string, so that recording a line is a copy. Bounded: lines are cut at kLineLimit
// bytes, and of a long session the first kHead bytes and the latest lines stay, with a mark between them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthouse::protocol {

class Transcript {
 public:
  static constexpr std::size_t kLineLimit = 2048;
  static constexpr std::size_t kHead = 4 * 1024;
  static constexpr std::size_t kLimit = 16 * 1024;  // of all, give or take a line

  // One line or several, whose ends (LF, CRLF) are not part of the record.
  void received(std::string_view lines) { add('I', lines); }
  void sent(std::string_view lines) { add('O', lines); }
  void clear();

  std::size_t lines() const { return lines_; }  // recorded since clear(), those left out included
  std::size_t size() const { return record_.size(); }
  // " In:  EHLO x\n Out: 250 y\n": nothing unprintable, long lines folded.
  std::string text() const;

 private:
  void add(char direction, std::string_view lines);
  void add_line(char direction, std::string_view line);
  void leave_out_middle();

  std::string record_;        // lines of direction, text, LF
  std::size_t gap_ = 0;       // where lines were left out, if any were
  std::size_t left_out_ = 0;  // lines
  std::size_t lines_ = 0;
};

}  // namespace posthouse::protocol
