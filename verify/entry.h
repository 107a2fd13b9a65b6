// One entry of the verify cache, "STATUS:PROBED:UPDATED:TEXT", and the rules of its life. Pure code.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "lib/ipc/messages/verify.h"

namespace posthouse::verify {

// A probe without result for this long counts as lost. A time that lies further ahead was noted before the
// clock was set back: it says nothing of the age.
inline constexpr std::chrono::seconds kProbeLife{1000};

inline bool is_under_way(std::int64_t probed, std::int64_t now) {
  return std::abs(now - probed) < kProbeLife.count();
}

struct Entry {
  ipc::VerifyStatus status = ipc::VerifyStatus::in_progress;
  std::int64_t probed = 0;   // when the outstanding probe was sent, 0 = none
  std::int64_t updated = 0;  // of the last result, 0 = never
  std::string text;

  // Nothing if malformed, or with both times 0.
  static std::optional<Entry> parse(std::string_view value);
  std::string value() const;
};

struct Rules {
  std::chrono::seconds positive_expire{31 * 86400}, positive_refresh{7 * 86400};
  std::chrono::seconds negative_expire{3 * 86400}, negative_refresh{3 * 3600};
  bool negative_cache = true;

  bool probe_is_outstanding(const Entry& entry, std::int64_t now) const;
  bool is_expired(const Entry& entry, std::int64_t now) const;
  // Also when it is not known how old the result is.
  bool needs_refresh(const Entry& entry, std::int64_t now) const;
  // Worth keeping when the cache is cleaned.
  bool is_alive(const Entry& entry, std::int64_t now) const {
    return probe_is_outstanding(entry, now) || !is_expired(entry, now);
  }
  // A bad result does not take back a good one.
  bool accepts(const std::optional<Entry>& stored, ipc::VerifyStatus update) const;
};

// The cache key of an address: ':' becomes '_'.
std::string key_of(std::string_view address);

}  // namespace posthouse::verify
