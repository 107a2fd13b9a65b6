// Log lines of cleanup beyond "QID: message-id=<...>" (content.cpp) and warnings.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "lib/ipc/messages/bounce.h"
#include "lib/mail/quote.h"

namespace posthouse::cleanup::event {

// A message that cleanup itself returns to its sender.
inline std::string bounced(std::string_view queue_id, const ipc::DeliveryRecord& record, mail::LogForm form) {
  const auto& recipient = record.recipient;
  const std::string original = recipient.original.empty() || recipient.original == recipient.address
                                   ? std::string()
                                   : fmt::format(", orig_to=<{}>", mail::in_log(recipient.original, form));
  return fmt::format("{}: to=<{}>{}, relay=none, delay=0, delays=0/0/0/0, dsn={}, status=bounced ({})",
                     queue_id, mail::in_log(recipient.address, form), original, record.status, record.reason);
}

}  // namespace posthouse::cleanup::event
