// The log lines of the bounce service.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace posthouse::bounce::events {

// what: "sender non-delivery", "sender delay", "sender delivery status", "postmaster non-delivery",
// "postmaster delay"
inline std::string notified(std::string_view queue_id, std::string_view what, std::string_view notice_id) {
  return fmt::format("{}: {} notification: {}", queue_id, what, notice_id);
}
inline std::string discarded(std::string_view queue_id) {
  return fmt::format("{}: undeliverable postmaster notification discarded", queue_id);
}
inline std::string failed(std::string_view queue_id, std::string_view recipient, std::string_view reason) {
  return fmt::format("{}: sender notification failed to {}: {}", queue_id, recipient, reason);
}

}  // namespace posthouse::bounce::events
