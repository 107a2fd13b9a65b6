// DNS block and allow lists: "domain=d.d.d.d" with address patterns, TXT reasons, reply templates.
#pragma once

#include "smtpd/check.h"

namespace posthouse::smtpd {

// "zen.example=127.0.0.[2..11];127.0.0.4": the domain and the replies that count (all of 127/8 if not said).
struct RblDomain {
  std::string text;  // as configured, the key of rbl_reply_maps
  std::string domain;
  std::vector<std::array<std::vector<std::pair<int, int>>, 4>> patterns;

  // Nothing if the pattern is malformed.
  static std::optional<RblDomain> parse(std::string_view text);
  bool matches(std::string_view address) const;
};

// What is asked about.
enum class RblSubject : unsigned char { client, client_name, reverse_client_name, helo, sender, recipient };

Outcome reject_listed(Check& check, const RblDomain& list, RblSubject subject);
Outcome permit_listed(Check& check, const RblDomain& list, RblSubject subject);

}  // namespace posthouse::smtpd
