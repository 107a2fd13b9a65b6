// Turns the message that a program writes to sendmail's standard input into content records, and finds
// the recipients in its headers (-t).
//
// Line ends may be LF or CR LF. "From " lines at the start are mailbox debris and are dropped. Without
// -i a line with only a dot ends the message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthouse::sendmail {

class MessageInput {
 public:
  struct Rules {
    bool dot_ends = true;
    bool extract_recipients = false;
    std::size_t line_limit = 2048;
    std::size_t header_limit = 102400;
  };
  // Records are appended to `out`, which the caller may empty at any time.
  MessageInput(const Rules& rules, std::string& out) : rules_(rules), out_(out) {}

  // True once the message has ended by a dot.
  bool append(std::string_view bytes);
  void end();
  // External form as in the headers. Only Resent- headers count when there are any.
  const std::vector<std::string>& recipients() const { return has_resent_ ? resent_ : plain_; }

 private:
  bool line(std::string_view text, bool is_terminated);
  void header_line(std::string_view text);
  void finish_header();

  Rules rules_;
  std::string& out_;
  std::string partial_;
  std::string header_;
  bool is_at_start_ = true, in_headers_ = true, is_continuing_ = false, has_ended_ = false;
  bool has_resent_ = false;
  std::vector<std::string> plain_, resent_;
};

}  // namespace posthouse::sendmail
