// One SMTP command line, cut into words (RFC 5321 4.1.1): "MAIL FROM:<a b@c> SIZE=1".
//
// Words are separated by blanks, except inside quotes and angle brackets. The words are views into the
// line, which must outlive them. Leading white space is skipped. Reused for each command of a session
// without allocating.
#pragma once

#include <string_view>
#include <vector>

namespace posthouse::protocol {

class SmtpCommand {
 public:
  void parse(std::string_view line);

  std::string_view line() const { return line_; }
  // First word as given; empty for an empty line.
  std::string_view verb() const { return verb_; }
  // All after the verb, blanks at both ends removed.
  std::string_view rest() const { return rest_; }
  const std::vector<std::string_view>& arguments() const { return arguments_; }
  // For "FROM:" and "TO:" commands: the address word and the parameters behind it. False if the keyword is
  // not there or no address follows.
  bool take_path(std::string_view keyword, std::string_view& path, std::size_t& first_parameter) const;

 private:
  std::string_view line_, verb_, rest_;
  std::vector<std::string_view> arguments_;
};

}  // namespace posthouse::protocol
