#include "lib/base/time_budget.h"

#include <gtest/gtest.h>

namespace posthouse {
namespace {

using namespace std::chrono_literals;

// What a wait takes is simulated by what it is told: it returns once its deadline has passed.
bool wait_out(Deadline until) {
  while (std::chrono::steady_clock::now() < until) continue;
  return true;
}

TEST(TimeBudget, WaitsUseItUp) {
  TimeBudget time(1ms);
  EXPECT_EQ(time.left(), 1ms);
  EXPECT_TRUE(time.spend(wait_out));
  EXPECT_EQ(time.left(), 0ms);
  const Deadline until = time.spend([](Deadline deadline) { return deadline; });
  EXPECT_LE(until, std::chrono::steady_clock::now());
  time.renew();
  EXPECT_EQ(time.left(), 1ms);
}

TEST(TimeBudget, BytesEarnTimeUpToTheLimit) {
  TimeBudget time(3s);
  time.spend([](Deadline) { return true; });
  EXPECT_LE(time.left(), 3s);
  time.earn(1'000'000'000'000'000'000, 1);
  EXPECT_EQ(time.left(), 3s);

  TimeBudget short_time(1ms);
  short_time.spend(wait_out);
  short_time.earn(1, 10'000);
  EXPECT_EQ(short_time.left(), 100us);
  short_time.earn(20, 10'000);
  EXPECT_EQ(short_time.left(), 1ms);
}

}  // namespace
}  // namespace posthouse
