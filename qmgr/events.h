// Log lines of the queue manager.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/mail/quote.h"

namespace posthouse::qmgr::events {

struct QueueActive {
  std::string_view queue_id, sender;
  std::int64_t size = 0, recipients = 0;
  mail::LogForm form;
  std::string text() const {
    return fmt::format("{}: from=<{}>, size={}, nrcpt={} (queue active)", queue_id,
                       mail::in_log(sender, form), size, recipients);
  }
};

struct Removed {
  std::string_view queue_id;
  std::string text() const { return fmt::format("{}: removed", queue_id); }
};

struct Expired {
  std::string_view queue_id, sender;
  bool by_force = false;
  mail::LogForm form;
  std::string text() const {
    return fmt::format("{}: from=<{}>, status={}, returned to sender", queue_id, mail::in_log(sender, form),
                       by_force ? "force-expired" : "expired");
  }
};

struct Clogged {
  std::string_view destination;
  std::size_t messages = 0, active = 0;
  std::string text() const {
    return fmt::format("mail for {} is using up {} of {} active queue entries", destination, messages,
                       active);
  }
};

struct StillBeingDelivered {
  std::string_view queue_id;
  std::string text() const { return fmt::format("{}: skipped, still being delivered", queue_id); }
};

struct Corrupt {
  std::string_view queue_id;
  std::string text() const {
    return fmt::format("saving corrupt file \"{}\" from queue \"active\" to queue \"corrupt\"", queue_id);
  }
};

}  // namespace posthouse::qmgr::events
