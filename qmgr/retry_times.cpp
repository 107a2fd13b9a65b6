#include "qmgr/retry_times.h"

#include <algorithm>

namespace posthouse::qmgr {

std::chrono::seconds next_wait(Time created, Time now, const RetryLimits& limits) {
  const std::chrono::seconds age(unix_seconds(now) - unix_seconds(created));
  return std::min(std::max(age, limits.minimal_backoff), longest_wait(limits));
}

std::chrono::seconds longest_wait(const RetryLimits& limits) {
  return std::max(limits.maximal_backoff, limits.minimal_backoff);
}

bool is_expired(Time created, Time now, bool null_sender, const RetryLimits& limits) {
  return now >= created + (null_sender ? limits.bounce_lifetime : limits.queue_lifetime);
}

bool is_warning_due(std::int64_t warn_at, Time now) {
  return warn_at > 0 && unix_seconds(now) >= warn_at - 1;
}

}  // namespace posthouse::qmgr
