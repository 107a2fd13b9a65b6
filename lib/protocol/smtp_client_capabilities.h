// What a server announced in its reply to EHLO or LHLO (RFC 5321 section 4.1.1.1), as far as our
// client uses it. Unknown keywords and malformed parameters are ignored. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/protocol/reply_reader.h"

namespace posthouse::protocol {

struct Capabilities {
  bool esmtp = false;  // EHLO or LHLO was accepted
  bool pipelining = false;
  bool eight_bit_mime = false;
  bool dsn = false;
  bool smtputf8 = false;
  bool starttls = false;
  bool chunking = false;
  std::optional<std::uint64_t> size;  // SIZE was offered; 0 means no fixed limit
  std::vector<std::string> auth;      // mechanisms, upper case
  std::vector<std::string> xforward;  // attribute names, upper case
  std::string server_name;            // first word of the reply, as the server calls itself
};

// `discard`: keywords to treat as not offered (smtp_discard_ehlo_keywords), any case.
Capabilities parse_capabilities(const Reply& reply, std::span<const std::string> discard);

// Those of `discard` that are keywords with a meaning, for a log line; empty with "silent-discard" among
// them. The server's side has the same setting.
std::string discarded_names(std::span<const std::string> discard);

}  // namespace posthouse::protocol
