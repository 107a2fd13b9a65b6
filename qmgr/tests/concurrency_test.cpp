#include "qmgr/concurrency.h"

#include <gtest/gtest.h>

namespace posthouse::qmgr {

TEST(Feedback, ReadsTheThreeForms) {
  EXPECT_DOUBLE_EQ(Feedback::parse("1")->at(4), 1);
  EXPECT_DOUBLE_EQ(Feedback::parse("0.5 / concurrency")->at(4), 0.125);
  EXPECT_DOUBLE_EQ(Feedback::parse("1/sqrt_concurrency")->at(4), 0.5);
  EXPECT_FALSE(Feedback::parse("2"));
  EXPECT_FALSE(Feedback::parse("-0.1"));
  EXPECT_FALSE(Feedback::parse("1 / window"));
  EXPECT_FALSE(Feedback::parse(""));
}

TEST(Concurrency, GrowsByOnePerSuccessUpToTheLimit) {
  const ConcurrencyLimits limits{.initial = 5, .limit = 8};
  Concurrency window(limits);
  EXPECT_EQ(window.window(), 5u);
  for (int i = 0; i < 10; ++i) window.succeeded(limits, window.window());
  EXPECT_EQ(window.window(), 8u);
}

TEST(Concurrency, GrowsByOnePerCohortWithFractionalFeedback) {
  const ConcurrencyLimits limits{.initial = 3, .limit = 20, .positive = *Feedback::parse("1 / concurrency")};
  Concurrency window(limits);
  window.succeeded(limits, 3);
  window.succeeded(limits, 3);
  EXPECT_EQ(window.window(), 3u);
  window.succeeded(limits, 3);
  EXPECT_EQ(window.window(), 4u);
}

TEST(Concurrency, DoesNotGrowFarBeyondWhatIsInUse) {
  const ConcurrencyLimits limits{.initial = 2, .limit = 50};
  Concurrency window(limits);
  for (int i = 0; i < 20; ++i) window.succeeded(limits, 1);
  EXPECT_EQ(window.window(), 3u);
}

TEST(Concurrency, StartsWithinTheLimit) {
  EXPECT_EQ(Concurrency(ConcurrencyLimits{.initial = 5, .limit = 2}).window(), 2u);
  EXPECT_EQ(Concurrency(ConcurrencyLimits{.initial = 5, .limit = 0}).window(), 5u);
}

TEST(Concurrency, ShrinksAtTheFirstFailureAndDiesAfterACohort) {
  const ConcurrencyLimits limits{.initial = 5, .limit = 20};
  Concurrency window(limits);
  window.failed(limits);
  EXPECT_EQ(window.window(), 4u);
  window.failed(limits);
  window.failed(limits);
  EXPECT_FALSE(window.is_dead());
  window.failed(limits);
  EXPECT_TRUE(window.is_dead());
}

TEST(Concurrency, OneFailureKillsAWindowOfOne) {
  const ConcurrencyLimits limits{.initial = 1, .limit = 20};
  Concurrency window(limits);
  window.failed(limits);
  EXPECT_TRUE(window.is_dead());
}

TEST(Concurrency, SuccessForgetsEarlierFailures) {
  const ConcurrencyLimits limits{.initial = 2, .limit = 20};
  Concurrency window(limits);
  for (int i = 0; i < 10; ++i) {
    window.failed(limits);
    ASSERT_FALSE(window.is_dead());
    window.succeeded(limits, 1);
  }
}

}  // namespace posthouse::qmgr
