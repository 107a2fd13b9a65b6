// Internal and external form of an address (RFC 5321 4.1.2, RFC 5322 3.4.1).
//
// Internal (queue files, tables, IPC): no quotes, `a b@example.com`. External (SMTP, headers, logs):
// the local part is a quoted string where its syntax needs it, `"a b"@example.com`. The domain starts
// after the last "@". Null sender: empty in both.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::mail {

// 8-bit text is quoted only if quote_8bit.
std::string quote_local_part(std::string_view local, bool quote_8bit = false);
std::string to_external(std::string_view internal);
std::string to_internal(std::string_view external);
// How addresses stand in log lines (info_log_address_format).
enum class LogForm : unsigned char { external, internal };
std::string in_log(std::string_view internal, LogForm form);
bool needs_quotes(std::string_view local);

struct AddressParts {
  std::string_view local;
  std::string_view domain;  // empty without "@"
  bool has_domain = false;
};
AddressParts split_address(std::string_view internal);

}  // namespace posthouse::mail
