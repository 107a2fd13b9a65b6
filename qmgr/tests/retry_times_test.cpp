#include "qmgr/retry_times.h"

#include <gtest/gtest.h>

namespace posthouse::qmgr {

using namespace std::chrono_literals;

TEST(RetryTimes, TheWaitIsTheAgeWithinItsBounds) {
  FakeClock clock;
  const Time created = clock.now();
  const RetryLimits limits;
  EXPECT_EQ(next_wait(created, clock.now(), limits), 300s);
  clock.advance(1000s);
  EXPECT_EQ(next_wait(created, clock.now(), limits), 1000s);
  clock.advance(24h);
  EXPECT_EQ(next_wait(created, clock.now(), limits), 4000s);
}

TEST(RetryTimes, AClockThatWentBackwardsGivesTheShortestWait) {
  FakeClock clock;
  EXPECT_EQ(next_wait(clock.now() + 1h, clock.now(), {}), 300s);
}

TEST(RetryTimes, BouncesHaveTheirOwnLifetime) {
  FakeClock clock;
  const Time created = clock.now();
  const RetryLimits limits{.queue_lifetime = 10s, .bounce_lifetime = 0s};
  EXPECT_TRUE(is_expired(created, clock.now(), true, limits));
  EXPECT_FALSE(is_expired(created, clock.now(), false, limits));
  clock.advance(10s);
  EXPECT_TRUE(is_expired(created, clock.now(), false, limits));
}

TEST(RetryTimes, AWarningIsSentOnceAndOneSecondEarlyCounts) {
  FakeClock clock;
  const auto now = unix_seconds(clock.now());
  EXPECT_TRUE(is_warning_due(now + 1, clock.now()));
  EXPECT_FALSE(is_warning_due(now + 2, clock.now()));
  EXPECT_FALSE(is_warning_due(-1, clock.now()));
  EXPECT_FALSE(is_warning_due(0, clock.now()));
}

}  // namespace posthouse::qmgr
