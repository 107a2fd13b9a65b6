// Message content after DATA (RFC 5321 4.1.1.4, 4.5.2): finds the end, removes dot-stuffing, turns CRLF into
// LF.
//
// The one decision about line ends: with `strict` only CRLF "." CRLF ends the message, so that no second
// message can be smuggled behind LF "." LF and its kin (lines that end with a bare LF are lines all the
// same). Otherwise LF may stand for CRLF there. CR elsewhere is content. No I/O, no allocation but the
// caller's buffer; works on any splitting of the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthouse::protocol {

enum class EndOfData : unsigned char { strict, lenient };

class SmtpDataReader {
 public:
  explicit SmtpDataReader(EndOfData rule) : rule_(rule) {}

  // Appends content to `out` and returns how many bytes it took. What it did not take (a CR or dot whose
  // meaning the next bytes tell, or what follows the end) must be offered again.
  std::size_t feed(std::string_view bytes, std::string& out);

  bool is_finished() const { return is_finished_; }
  bool has_bare_lf() const { return has_bare_lf_; }

 private:
  enum class Dot : unsigned char { none, stuffed, end, unknown };
  Dot look_at_dot(std::string_view bytes, std::size_t& end_length) const;

  EndOfData rule_;
  bool at_line_start_ = true;
  bool after_crlf_ = true;  // the line before ended properly
  bool is_finished_ = false;
  bool has_bare_lf_ = false;
};

}  // namespace posthouse::protocol
