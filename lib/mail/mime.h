// MIME structure of a message, line by line (RFC 2045, 2046): tells headers of the message, of its parts and
// of attached messages from body text; optionally turns 8-bit bodies into quoted-printable (RFC 6152 relaying
// to a server without 8BITMIME).
//
// Used by cleanup (header_checks, body_checks, 8-bit detection) and by the SMTP client (downgrade). No
// I/O. Nesting and boundary lengths are limited; memory is bounded by the header size limit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/header.h"

namespace posthouse::mail {

enum class HeaderClass : unsigned char { primary, multipart, nested };

enum class MimeError : unsigned char {
  nesting,           // mime_nesting_limit exceeded
  truncated_header,  // header longer than header_size_limit
  eight_bit_header,  // strict_7bit_headers
  eight_bit_body,    // strict_8bitmime_body
  encoding_domain,   // strict_mime_encoding_domain
};
std::string_view mime_error_text(MimeError error);  // "MIME nesting exceeds safety limit"

enum class MimeDomain : unsigned char { seven_bit, eight_bit, binary };

class MimeSink {
 public:
  virtual ~MimeSink() = default;
  // One logical header, lines joined by "\n", no newline at the end.
  virtual void header(HeaderClass where, const HeaderSpec& spec, std::string_view text) = 0;
  virtual void headers_end() = 0;  // end of the primary headers, before the empty line is a body line
  virtual void body(std::string_view line) = 0;
  virtual void error(MimeError error, std::string_view text) = 0;
};

struct MimeRules {
  std::size_t nesting_limit = 100;
  std::size_t boundary_limit = 2048;
  std::size_t header_limit = 102400;
  bool parse_structure = true;  // off: all after the first empty line is body (disable_mime_input_processing)
  bool downgrade = false;       // quoted-printable for 8-bit leaf parts
  bool report_8bit_headers = false;
  bool report_8bit_body = false;
  bool report_encoding_domain = false;
  bool report_nesting = true;
};

class MimeReader {
 public:
  MimeReader(MimeRules rules, MimeSink& sink);

  // One line without its line end; `is_complete` is false for a piece of a longer line that goes on.
  void line(std::string_view line, bool is_complete = true);
  void end();

  bool has_8bit() const { return has_8bit_; }
  // True once the primary headers are over.
  bool in_body() const { return state_ != State::primary_headers; }

 private:
  enum class State : unsigned char { primary_headers, part_headers, nested_headers, body };
  enum class Content : unsigned char { text, multipart, message, other };
  struct Level {
    std::string boundary;
    bool is_digest = false;  // parts are messages by default
  };
  void header_line(std::string_view line);
  void finish_header();
  void begin_headers(State state);
  void end_of_headers(std::string_view separator);
  void note_content_type(std::string_view value);
  void note_encoding(std::string_view value);
  void emit_body(std::string_view line, bool is_complete);
  void encode(std::string_view line, bool is_complete);
  void finish_encoding();
  bool boundary_line(std::string_view line);
  HeaderClass header_class() const;
  void report(MimeError error, std::string_view text);

  MimeRules rules_;
  MimeSink& sink_;
  State state_ = State::primary_headers;
  std::string header_;  // logical header being collected
  bool header_truncated_ = false;
  bool at_line_start_ = true;
  std::vector<Level> levels_;
  std::string pending_boundary_;  // of the multipart type of the headers being read
  bool pending_digest_ = false;
  std::size_t nested_messages_ = 0;
  Content content_ = Content::text;
  MimeDomain encoding_ = MimeDomain::seven_bit;
  bool encoding_is_transfer_ = false;  // base64 or quoted-printable
  bool encode_part_ = false;
  std::string encoded_;  // quoted-printable line being built
  bool has_8bit_ = false;
  bool body_8bit_reported_ = false;
  bool nesting_reported_ = false;
};

}  // namespace posthouse::mail
