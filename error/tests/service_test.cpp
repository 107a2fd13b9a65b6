#include "error/service.h"

#include <gtest/gtest.h>

namespace posthouse::error {

TEST(ErrorAgent, TheNextHopIsCodeAndReason) {
  const Failure failure = failure_of("5.1.3 bad address syntax", false);
  EXPECT_TRUE(failure.is_permanent());
  EXPECT_EQ(failure.dsn, "5.1.3");
  EXPECT_EQ(failure.text, "bad address syntax");
}

TEST(ErrorAgent, WithoutACodeTheServiceDecides) {
  EXPECT_EQ(failure_of("go away", false).dsn, "5.0.0");
  EXPECT_EQ(failure_of("go away", true).dsn, "4.0.0");
  EXPECT_FALSE(failure_of("go away", true).is_permanent());
}

TEST(ErrorAgent, TheClassFollowsTheService) {
  EXPECT_EQ(failure_of("5.7.1 no", true).dsn, "4.7.1");
  EXPECT_EQ(failure_of("4.7.1 no", false).dsn, "5.7.1");
}

}  // namespace posthouse::error
