// When a message is tried again, when its sender is warned, and when it is given up.
//
// Pure decisions over wall time; the ages count from the message's create_time. The retry interval is the age
// of the message within [least, most], so intervals double (queue file format, section 16).
#pragma once

#include "lib/base/clock.h"

namespace posthouse::qmgr {

struct RetryLimits {
  std::chrono::seconds minimal_backoff{300};
  std::chrono::seconds maximal_backoff{4000};
  std::chrono::seconds queue_lifetime{std::chrono::hours(5 * 24)};
  std::chrono::seconds bounce_lifetime{std::chrono::hours(5 * 24)};
};

// The wait after an attempt that ended at `now`.
std::chrono::seconds next_wait(Time created, Time now, const RetryLimits& limits);
// The longest that next_wait() gives.
std::chrono::seconds longest_wait(const RetryLimits& limits);

// Must what is still undelivered be returned? Asked only after an attempt that left something.
bool is_expired(Time created, Time now, bool null_sender, const RetryLimits& limits);

// Is the delay warning of a message due? `warn_at` is 0 or negative for never or already sent.
bool is_warning_due(std::int64_t warn_at, Time now);

}  // namespace posthouse::qmgr
