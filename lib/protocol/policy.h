// The policy delegation protocol (compat protocols.md 2): "name=value" lines, an empty line at the end.
//
// Values never carry line breaks or NUL: they become blanks. The reply reader holds at most `limit` bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"

namespace posthouse::protocol {

class PolicyRequest {
 public:
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, std::uint64_t value);
  // The whole request with its final empty line.
  std::string finish() &&;

 private:
  std::string text_;
};

inline constexpr std::size_t kPolicyReplyLimit = 16 * 1024;

// The action of a complete reply at the start of `bytes` and its total length in `used`; nothing yet if
// incomplete; a failure if it is malformed or too long.
Result<std::optional<std::string>> parse_policy_reply(std::string_view bytes, std::size_t& used);

}  // namespace posthouse::protocol
