#include "lib/table/turn_lock.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "lib/runtime/fiber.h"

namespace posthouse::table {
namespace {

bool taken() {
  errno = EWOULDBLOCK;
  return false;
}

void in_a_fiber(const std::function<void()>& body) {
  runtime::run([&] {
    body();
    runtime::stop();
  });
}

}  // namespace

TEST(TurnLock, OtherFibersRunWhileSomeWaitForIt) {
  in_a_fiber([] {
    bool is_free = false;
    int releases = 0;
    std::vector<std::string> order;
    TurnLock lock([&] { return is_free || taken(); }, [&] { ++releases; });
    for (int i = 0; i < 2; ++i) {
      runtime::spawn([&] {
        EXPECT_TRUE(lock.hold());
        order.emplace_back("held");
      });
    }
    runtime::yield();
    order.emplace_back("other");
    is_free = true;
    while (order.size() < 3) runtime::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(order, (std::vector<std::string>{"other", "held", "held"}));
    EXPECT_GE(releases, 1);
  });
}

TEST(TurnLock, IsGivenBackAtTheEndOfTheTurn) {
  in_a_fiber([] {
    int locks = 0, releases = 0;
    TurnLock lock([&] { return ++locks > 0; }, [&] { ++releases; });
    EXPECT_TRUE(lock.hold());
    EXPECT_TRUE(lock.hold());
    EXPECT_EQ(locks, 1);
    EXPECT_EQ(releases, 0);
    runtime::yield();
    EXPECT_EQ(releases, 1);
    EXPECT_TRUE(lock.hold());
    EXPECT_EQ(locks, 2);
  });
}

TEST(TurnLock, ALockThatStaysTakenIsAnErrorForAllThatWait) {
  in_a_fiber([] {
    TurnLock lock(
        taken, [] {}, std::chrono::milliseconds(5));
    int failed = 0;
    for (int i = 0; i < 3; ++i) {
      runtime::spawn([&] {
        EXPECT_FALSE(lock.hold());
        EXPECT_EQ(errno, EWOULDBLOCK);
        ++failed;
      });
    }
    while (failed < 3) runtime::sleep_for(std::chrono::milliseconds(1));
  });
}

TEST(TurnLock, TroubleOtherThanATakenLockIsToldAtOnce) {
  in_a_fiber([] {
    int tries = 0;
    const auto broken = [&] {
      ++tries;
      errno = EBADF;
      return false;
    };
    TurnLock lock(broken, [] {});
    EXPECT_FALSE(lock.hold());
    EXPECT_FALSE(wait_for_lock(broken));
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(tries, 2);
  });
}

TEST(TurnLock, ACancelledFiberStopsWaiting) {
  in_a_fiber([] {
    bool has_ended = false;
    const runtime::Fiber fiber = runtime::spawn([&] {
      EXPECT_FALSE(wait_for_lock(taken));
      has_ended = true;
    });
    runtime::yield();
    fiber.cancel();
    while (!has_ended) runtime::sleep_for(std::chrono::milliseconds(1));
  });
}

}  // namespace posthouse::table
