// Slows down the start of a program that cannot start: 1 s, 2 s, 4 s … up to service_throttle_time. A process
// that lives for kGoodAfter makes it forget.
#pragma once

#include <algorithm>

#include "lib/base/clock.h"

namespace posthouse::master {

class Throttle {
 public:
  static constexpr std::chrono::seconds kBadStart{1};  // an abnormal exit within this time is a bad start
  static constexpr std::chrono::seconds kGoodAfter{10};
  static constexpr int kRestartLimit = 20;  // normal exits in a row, each within kBadStart

  bool may_start(Deadline now) const { return now >= until_; }
  Deadline until() const { return until_; }

  // Tells of an exit; true = a bad start: nothing is started before until().
  bool exited(bool is_normal, Duration lifetime, Deadline now, std::chrono::seconds most) {
    if (lifetime >= kBadStart) {
      if (lifetime >= kGoodAfter) delay_ = std::chrono::seconds(0);
      quick_exits_ = 0;
      return false;
    }
    if (is_normal && ++quick_exits_ < kRestartLimit) return false;
    quick_exits_ = 0;
    delay_ = std::min(std::max(delay_ * 2, std::chrono::seconds(1)), std::max(most, std::chrono::seconds(1)));
    until_ = now + delay_;
    return true;
  }
  void reset() { *this = Throttle(); }

 private:
  Deadline until_{};
  std::chrono::seconds delay_{0};
  int quick_exits_ = 0;
};

}  // namespace posthouse::master
