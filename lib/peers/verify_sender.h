// The sender address of probes (address_verify_sender), which changes with time when
// address_verify_sender_ttl is set: the number of the time slot is appended to the local part, in base 31
// without vowels. Pure code.
//
// Used by verify to send and by smtpd to accept mail to it (a host may probe the prober).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthouse::peers {

class VerifySender {
 public:
  // `address`: the parameter's value; "" and "<>" are the null sender. `myorigin` completes it.
  VerifySender(std::string_view address, std::chrono::seconds ttl, std::string_view myorigin);

  // Internal form; empty for the null sender.
  std::string at(std::int64_t unix_seconds) const;
  // Is it the address of the present slot or of one beside it? Without ttl: the address itself. Ignores case.
  bool matches(std::string_view address, std::int64_t unix_seconds) const;
  // Worth asking matches() at all: the local part begins as the sender's does.
  bool is_null() const { return local_.empty(); }

 private:
  std::string of_slot(std::int64_t slot) const;
  std::string local_, domain_;
  std::chrono::seconds ttl_;
};

}  // namespace posthouse::peers
