// One time limit for several waits: the time between them does not count.
#pragma once

#include <algorithm>
#include <utility>

#include "lib/base/clock.h"

namespace posthouse {

class TimeBudget {
 public:
  explicit TimeBudget(Duration limit) : limit_(limit), left_(limit) {}

  void renew() { left_ = limit_; }
  // Calls wait(deadline), which may wait, and takes off what it took.
  template <class Wait>
  auto spend(Wait&& wait) {
    const Deadline begin = std::chrono::steady_clock::now();
    auto result = std::forward<Wait>(wait)(begin + left_);
    left_ -= std::min(left_, std::chrono::steady_clock::now() - begin);
    return result;
  }
  // The peer has moved `bytes`, for which it may take their time at this rate; never more than the limit.
  void earn(std::uint64_t bytes, int bytes_per_second) {
    const double seconds = static_cast<double>(bytes) / bytes_per_second;
    const auto more = std::chrono::duration<double>(std::min(seconds, 1e9));
    left_ = std::min(limit_, left_ + std::chrono::duration_cast<Duration>(more));
  }
  Duration left() const { return left_; }

 private:
  Duration limit_, left_;
};

}  // namespace posthouse
