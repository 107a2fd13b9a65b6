// Header lines (RFC 5322 2.2): recognition, names, and what the mail system knows about them.
//
// A header line starts with a name of printable ASCII without ":", then ":" (blanks may stand before it).
// A line starting with a blank or tab continues the header before it.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::mail {

enum class HeaderType : unsigned char {
  apparently_to,
  bcc,
  cc,
  content_description,
  content_disposition,
  content_id,
  content_length,
  content_transfer_encoding,
  content_type,
  date,
  delivered_to,
  disposition_notification_to,
  errors_to,
  from,
  mail_followup_to,
  message_id,
  mime_version,
  received,
  reply_to,
  resent_bcc,
  resent_cc,
  resent_date,
  resent_from,
  resent_message_id,
  resent_reply_to,
  resent_sender,
  resent_to,
  return_path,
  return_receipt_to,
  sender,
  subject,
  to,
  other,
};

struct HeaderSpec {
  HeaderType type;
  std::string_view name;      // canonical spelling, "Message-Id"
  bool is_sender = false;     // addresses rewritten as senders
  bool is_recipient = false;  // addresses rewritten as recipients
  bool is_resent = false;     // one of the Resent- family
  bool may_extract = false;   // recipients taken from it by "sendmail -t"
  bool is_dropped = false;    // removed from every message (Bcc, Return-Path, Content-Length)
  bool is_mime = false;       // Content-*, MIME-Version
};

// Length of the name if the line is a header, else 0.
std::size_t header_name_length(std::string_view line);
inline bool is_header(std::string_view line) {
  return header_name_length(line) != 0;
}
inline bool is_continuation(std::string_view line) {
  return !line.empty() && (line[0] == ' ' || line[0] == '\t');
}

// What is known about the name; never null (HeaderType::other with an empty name if unknown).
const HeaderSpec& header_spec(std::string_view name);

// Value of a logical header: all after ":" and the blanks behind it; line breaks stay.
std::string_view header_value(std::string_view header);
// The value on one line: each line break with the white space around it becomes one blank.
std::string unfolded(std::string_view value);

}  // namespace posthouse::mail
