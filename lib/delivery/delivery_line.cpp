#include "lib/delivery/delivery_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mail/delay_text.h"

namespace posthouse::delivery {
namespace {

Time from_microseconds(std::int64_t count) {
  return Time(std::chrono::duration_cast<Time::duration>(std::chrono::microseconds(count)));
}

std::chrono::microseconds between(Time from, Time to) {
  const auto span = std::chrono::duration_cast<std::chrono::microseconds>(to - from);
  return std::max(span, std::chrono::microseconds(0));
}

std::string shown(std::string_view internal, mail::LogForm form) {
  return internal.empty() ? std::string("MAILER-DAEMON") : mail::in_log(internal, form);
}

std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

}  // namespace

Times Times::of(const ipc::DeliveryRequest& request) {
  return {from_microseconds(request.arrival_time), from_microseconds(request.active_begin),
          from_microseconds(request.active_done)};
}

std::string Times::text(const Relay& relay, Time now, int decimals) const {
  const Time ready = relay.ready.value_or(active_done);
  const auto part = [decimals](std::chrono::microseconds span) { return mail::delay_text(span, decimals); };
  return fmt::format("delay={}, delays={}/{}/{}/{}", part(between(arrival, now)),
                     part(between(arrival, active_begin)), part(between(active_begin, active_done)),
                     part(between(active_done, ready)), part(between(ready, now)));
}

std::string DeliveryLine::text() const {
  std::string line = fmt::format("{}: to=<{}>, ", queue_id, shown(address, form));
  if (!original.empty() && !equal_ignoring_case(original, address)) {
    fmt::format_to(std::back_inserter(line), "orig_to=<{}>, ", shown(original, form));
  }
  fmt::format_to(std::back_inserter(line), "relay={}, ", relay.name);
  if (relay.uses > 1) fmt::format_to(std::back_inserter(line), "conn_use={}, ", relay.uses);
  fmt::format_to(std::back_inserter(line), "{}, dsn={}, status={} ({})", delays, dsn, status,
                 on_one_line(reason));
  return line;
}

}  // namespace posthouse::delivery
