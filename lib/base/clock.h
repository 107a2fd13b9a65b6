// Time as an argument, so that "after five days" is a test that takes no time.
//
// Wall time (Time) is what stands in files and logs; Deadline is monotonic and never jumps.
#pragma once

#include <chrono>
#include <cstdint>

namespace posthouse {

using Time = std::chrono::system_clock::time_point;
using Deadline = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

inline constexpr Deadline kNever = Deadline::max();

inline Deadline deadline_after(Duration duration) {
  return std::chrono::steady_clock::now() + duration;
}
inline std::int64_t unix_seconds(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
inline Time time_from_unix(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;

  static const Clock& system();
};

class FakeClock : public Clock {
 public:
  explicit FakeClock(Time start = time_from_unix(1'700'000'000)) : now_(start) {}
  Time now() const override { return now_; }
  void advance(Duration by) { now_ += std::chrono::duration_cast<Time::duration>(by); }

 private:
  Time now_;
};

}  // namespace posthouse
