// The order in which the system ends: which signal goes to whom, and what is waited for.
//
// stop: everybody gets SIGTERM at once. drain: first the doors (inet services, pickup), then the queue
// manager, then everybody else may finish; only then SIGTERM. abort: SIGKILL. Pure: step() is told how many
// processes are left.
#pragma once

#include <cstddef>

#include "lib/base/clock.h"

namespace posthouse::master {

enum class Phase : unsigned char { running, drain_doors, drain_queue, drain_rest, terminate, kill, ended };

struct Census {
  std::size_t doors = 0, queue = 0, all = 0;
};

class Shutdown {
 public:
  static constexpr std::chrono::seconds kTerminateTime{10};
  static constexpr std::chrono::seconds kDrainRestTime{60};

  Phase phase() const { return phase_; }
  bool is_running() const { return phase_ == Phase::running; }
  Deadline deadline() const { return deadline_; }

  // Later requests can only make it faster.
  void enter(Phase phase, Deadline now) {
    if (phase <= phase_) return;
    phase_ = phase;
    deadline_ = phase == Phase::terminate    ? now + kTerminateTime
                : phase == Phase::drain_rest ? now + kDrainRestTime
                                             : kNever;
  }

  // The phase to enter now, or the present one.
  Phase next(const Census& left, Deadline now) const {
    if (phase_ == Phase::running || phase_ == Phase::ended) return phase_;
    if (left.all == 0) return Phase::ended;
    if (phase_ == Phase::drain_doors && left.doors == 0) return Phase::drain_queue;
    if (phase_ == Phase::drain_queue && left.queue == 0) return Phase::drain_rest;
    if (phase_ == Phase::drain_rest && now >= deadline_) return Phase::terminate;
    if (phase_ == Phase::terminate && now >= deadline_) return Phase::kill;
    return phase_;
  }

 private:
  Phase phase_ = Phase::running;
  Deadline deadline_ = kNever;
};

}  // namespace posthouse::master
