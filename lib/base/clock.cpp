#include "lib/base/clock.h"

namespace posthouse {

namespace {

class SystemClock : public Clock {
 public:
  Time now() const override { return std::chrono::system_clock::now(); }
};

}  // namespace

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

}  // namespace posthouse
