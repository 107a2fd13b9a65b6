// Tells the postmaster of an SMTP session in which something went wrong, with its transcript
// (notify_classes).
//
// The same for the SMTP server and the SMTP client. The notice goes through cleanup like all internal mail;
// its sender is the double-bounce address, so that nothing comes back if it cannot be delivered.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/config/main_cf.h"
#include "lib/peers/submission.h"
#include "lib/protocol/transcript.h"

namespace posthouse::peers {

// Classes of trouble, as bits.
namespace trouble {
inline constexpr unsigned kNone = 0, kBounce = 1, kPolicy = 2, kProtocol = 4, kResource = 8, kSoftware = 16,
                          kData = 32;
}

struct SessionNoticeRules {
  unsigned classes = trouble::kNone;  // those that the postmaster wants to hear of
  std::string error_recipient, bounce_recipient;
  std::string hostname, mail_name;
  std::string sender;  // double-bounce address with domain
  bool is_filtered = false;
};

// All mistakes in one failure text. Names of classes that no session can have trouble with are passed over.
Result<SessionNoticeRules> load_session_notice_rules(const config::MainCf& main_cf);

struct SessionNotice {
  unsigned classes = trouble::kNone;  // trouble of this session
  std::string_view subject;           // "SMTP server: errors from NAME[ADDRESS]"
  std::string_view opening;           // a paragraph in front of the transcript, or empty
  std::string_view ending;            // lines behind the transcript, or empty
  const protocol::Transcript& transcript;
};

// The mail that the rules ask for, if any: one, to the recipient for bounces if that class is among the
// trouble.
std::optional<Outgoing> compose(const SessionNotice& notice, const SessionNoticeRules& rules, Time now);

using Submit = std::function<Result<std::string>(const Outgoing&)>;
// Composes and submits; what fails is only logged. May wait.
void tell_postmaster(const SessionNotice& notice, const SessionNoticeRules& rules, const Submit& submit);

}  // namespace posthouse::peers
