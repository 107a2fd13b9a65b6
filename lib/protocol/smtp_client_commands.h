// Builds the command lines of an SMTP or LMTP client (RFC 5321, 1870, 3461, 6152, 6531; XFORWARD).
// Each function appends one line with CR LF to `out`. Addresses are given in external (quoted) form.
// CR, LF and NUL can never reach the wire: they are replaced by '?'. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthouse::protocol {

// notify_flags and ret_flags as stored in queue files.
inline constexpr int kNotifyNever = 1, kNotifySuccess = 2, kNotifyFailure = 4, kNotifyDelay = 8;
inline constexpr int kRetFull = 1, kRetHeaders = 2;

struct MailCommand {
  std::string_view sender;
  std::optional<std::uint64_t> size;  // SIZE=
  std::string_view body;              // "8BITMIME", "7BIT" or empty
  int ret_flags = 0;                  // RET=
  std::string_view envelope_id;       // ENVID=, decoded
  bool null_auth = false;             // AUTH=<>
  bool smtputf8 = false;
};

struct RcptCommand {
  std::string_view recipient;
  int notify_flags = 0;                 // NOTIFY=
  std::string_view original_recipient;  // ORCPT=, "type;address", decoded
};

void append_line(std::string& out, std::string_view verb, std::string_view argument = {});
void append_mail(std::string& out, const MailCommand& command);
void append_rcpt(std::string& out, const RcptCommand& command);
// " NAME=value" for an XFORWARD command; an empty value is [UNAVAILABLE].
void append_xforward_attribute(std::string& out, std::string_view name, std::string_view value);

}  // namespace posthouse::protocol
