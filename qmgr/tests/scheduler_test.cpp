#include "qmgr/scheduler.h"

#include <gtest/gtest.h>

namespace posthouse::qmgr {
namespace {

using namespace std::chrono_literals;

constexpr Deadline kStart{};

class SchedulerTest : public ::testing::Test {
 protected:
  TransportLimits limits;
  Scheduler scheduler{[this](std::string_view) { return limits; }, 1000};
  Failure refused = Failure::deferred("4.4.1", "connect to mx: Connection refused");

  static std::vector<RoutedRecipient> to(const std::string& domain, int count = 1,
                                         const std::string& transport = "smtp") {
    std::vector<RoutedRecipient> all;
    for (int i = 0; i < count; ++i) {
      all.push_back({{transport, domain, ""}, {.address = std::to_string(i) + "@" + domain}});
    }
    return all;
  }
  std::vector<Delivery> start_all(Deadline now = kStart) {
    std::vector<Delivery> all;
    while (auto delivery = scheduler.next(now)) all.push_back(*delivery);
    return all;
  }
  void end(const Delivery& delivery, Outcome outcome = Outcome::reached, Deadline now = kStart) {
    scheduler.finished(delivery.number, outcome, refused, now);
  }
};

TEST_F(SchedulerTest, SplitsRecipientsByDestinationAndLimit) {
  limits.recipients = 2;
  auto recipients = to("a.test", 3);
  auto more = to("b.test", 1);
  recipients.insert(recipients.end(), more.begin(), more.end());
  scheduler.add(1, recipients);
  EXPECT_EQ(scheduler.waiting(), 4u);
  const auto all = start_all();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].recipients.size(), 2u);
  EXPECT_EQ(all[0].recipients[0].address, "0@a.test");
  EXPECT_EQ(all[1].next_hop, "b.test");
  EXPECT_EQ(all[2].recipients[0].address, "2@a.test");
  EXPECT_EQ(scheduler.waiting(), 0u);
  EXPECT_EQ(scheduler.running(), 3u);
}

TEST_F(SchedulerTest, DeliversOneByOneWhenAsked) {
  scheduler.add(1, to("a.test", 2), Grouping::one_by_one);
  scheduler.add(1, to("a.test", 1), Grouping::one_by_one);
  scheduler.add(1, to("b.test", 2), Grouping::one_by_one);
  scheduler.add(2, to("a.test", 2));
  std::map<std::string, int> deliveries;
  for (const Delivery& delivery : start_all()) {
    ++deliveries[std::to_string(delivery.message) + delivery.next_hop];
    EXPECT_EQ(delivery.recipients.size(), delivery.message);
  }
  EXPECT_EQ(deliveries, (std::map<std::string, int>{{"1a.test", 3}, {"1b.test", 2}, {"2a.test", 1}}));
}

TEST_F(SchedulerTest, DestinationsTakeTurns) {
  for (MessageNumber message = 1; message <= 100; ++message) scheduler.add(message, to("big.test"));
  scheduler.add(101, to("small.test"));
  limits.deliveries = 1;
  scheduler.reconfigure([this](std::string_view) { return limits; });
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) {
    auto delivery = scheduler.next(kStart);
    ASSERT_TRUE(delivery);
    order.push_back(delivery->next_hop);
    end(*delivery);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"big.test", "small.test", "big.test"}));
}

TEST_F(SchedulerTest, ANewMessageIsNotStuckBehindAMailingList) {
  limits.concurrency = {.initial = 1, .limit = 1};
  limits.recipients = 10;
  scheduler.add(1, to("a.test", 10000));
  auto first = scheduler.next(kStart);
  scheduler.add(2, to("a.test"));
  end(*first);
  auto second = scheduler.next(kStart);
  end(*second);
  auto third = scheduler.next(kStart);
  EXPECT_EQ(second->message, 1u);
  EXPECT_EQ(third->message, 2u);
}

TEST_F(SchedulerTest, RunsNoMoreThanTheWindowAndGrowsWithSuccess) {
  limits.concurrency = {.initial = 2, .limit = 4};
  for (MessageNumber message = 1; message <= 100; ++message) scheduler.add(message, to("a.test"));
  auto running = start_all();
  EXPECT_EQ(running.size(), 2u);
  end(running[0]);
  EXPECT_EQ(start_all().size(), 2u);
  end(running[1]);
  EXPECT_EQ(start_all().size(), 2u);
  EXPECT_EQ(scheduler.running(), 4u);
}

TEST_F(SchedulerTest, TheProcessLimitOfATransportBoundsAllDestinations) {
  limits.deliveries = 3;
  for (int i = 0; i < 10; ++i) scheduler.add(1, to(std::to_string(i) + ".test"));
  auto running = start_all();
  EXPECT_EQ(running.size(), 3u);
  end(running[0]);
  EXPECT_EQ(start_all().size(), 1u);
}

TEST_F(SchedulerTest, ADeadDestinationGivesBackItsRecipientsAndRefusesMoreUntilBackOffEnds) {
  limits.concurrency = {.initial = 1, .limit = 20};
  scheduler.add(1, to("dead.test"));
  scheduler.add(2, to("dead.test", 3));
  scheduler.add(3, to("alive.test"));
  auto running = start_all();
  ASSERT_EQ(running.size(), 2u);
  end(running[0], Outcome::destination_failed);
  auto suspended = scheduler.take_suspended();
  ASSERT_EQ(suspended.size(), 1u);
  EXPECT_EQ(suspended[0].message, 2u);
  EXPECT_EQ(suspended[0].recipients.size(), 3u);
  EXPECT_EQ(suspended[0].reason.text, refused.text);
  EXPECT_TRUE(scheduler.is_dead("smtp", "dead.test"));

  scheduler.add(4, to("dead.test"));
  EXPECT_EQ(scheduler.take_suspended().size(), 1u);
  EXPECT_TRUE(start_all(kStart + 299s).empty());

  EXPECT_EQ(scheduler.next_wakeup(), kStart + 300s);
  scheduler.wake(kStart + 300s);
  EXPECT_FALSE(scheduler.is_dead("smtp", "dead.test"));
  scheduler.add(5, to("dead.test"));
  EXPECT_EQ(start_all(kStart + 300s).size(), 1u);
}

TEST_F(SchedulerTest, ADeadTransportSuspendsAllItsDestinations) {
  scheduler.add(1, to("a.test"));
  scheduler.add(2, to("b.test"));
  scheduler.add(3, to("c.test", 1, "lmtp"));
  auto delivery = scheduler.next(kStart);
  ASSERT_EQ(delivery->transport, "smtp");
  end(*delivery, Outcome::transport_failed);
  EXPECT_EQ(scheduler.take_suspended().size(), 1u);
  scheduler.add(4, to("d.test"));
  EXPECT_EQ(scheduler.take_suspended().size(), 1u);
  EXPECT_EQ(start_all().at(0).transport, "lmtp");
  scheduler.wake(kStart + 60s);
  scheduler.add(5, to("d.test"));
  EXPECT_EQ(start_all(kStart + 60s).size(), 1u);
}

TEST_F(SchedulerTest, FlushForgetsTheDead) {
  limits.concurrency = {.initial = 1, .limit = 20};
  scheduler.add(1, to("a.test"));
  end(*scheduler.next(kStart), Outcome::destination_failed);
  EXPECT_EQ(scheduler.dead_destinations(), 1u);
  scheduler.forget_dead();
  EXPECT_EQ(scheduler.dead_destinations(), 0u);
  scheduler.add(2, to("a.test"));
  EXPECT_EQ(start_all().size(), 1u);
}

TEST_F(SchedulerTest, TheMemoryOfDeadDestinationsIsBounded) {
  limits.concurrency = {.initial = 1, .limit = 20};
  Scheduler small([this](std::string_view) { return limits; }, 2);
  for (MessageNumber i = 1; i <= 5; ++i) {
    small.add(i, to(std::to_string(i) + ".test"));
    small.finished(small.next(kStart)->number, Outcome::destination_failed, refused, kStart);
  }
  EXPECT_EQ(small.dead_destinations(), 2u);
}

TEST_F(SchedulerTest, ARateDelaySpacesDeliveries) {
  limits.destination_rate_delay = 2s;
  for (MessageNumber message = 1; message <= 3; ++message) scheduler.add(message, to("slow.test"));
  auto running = start_all();
  ASSERT_EQ(running.size(), 1u);
  end(running[0], Outcome::reached, kStart + 1s);
  EXPECT_TRUE(start_all(kStart + 2s).empty());
  EXPECT_EQ(scheduler.next_wakeup(), kStart + 3s);
  EXPECT_EQ(start_all(kStart + 3s).size(), 1u);
}

TEST_F(SchedulerTest, ATransportRateDelaySpacesAllDestinations) {
  limits.transport_rate_delay = 5s;
  scheduler.add(1, to("a.test"));
  scheduler.add(2, to("b.test"));
  auto running = start_all();
  ASSERT_EQ(running.size(), 1u);
  end(running[0]);
  EXPECT_TRUE(start_all(kStart + 4s).empty());
  EXPECT_EQ(start_all(kStart + 5s).size(), 1u);
}

TEST_F(SchedulerTest, MoreRecipientsOfAMessageJoinItsBatch) {
  limits.concurrency = {.initial = 1, .limit = 1};
  limits.recipients = 1;
  scheduler.add(1, to("a.test", 1));
  scheduler.add(2, to("a.test", 1));
  scheduler.add(1, to("a.test", 2));
  std::vector<MessageNumber> order;
  while (auto delivery = scheduler.next(kStart)) {
    order.push_back(delivery->message);
    end(*delivery);
  }
  EXPECT_EQ(order, (std::vector<MessageNumber>{1, 2, 1, 1}));
}

TEST_F(SchedulerTest, ACloggedDestinationIsToldOnceInAWhile) {
  limits.concurrency = {.initial = 1, .limit = 1};
  for (MessageNumber message = 1; message <= 4; ++message) scheduler.add(message, to("slow.test"));
  scheduler.add(1, to("fast.test"));
  auto running = start_all(kStart);
  const Route slow{"smtp", "slow.test", ""};
  const auto at = [&](std::chrono::seconds after, std::size_t limit) {
    return scheduler.clogged(slow, limit, 10s, kStart + after);
  };
  EXPECT_EQ(at(1s, 4), std::nullopt);
  EXPECT_EQ(at(1s, 3), 4u);
  EXPECT_EQ(at(10s, 3), std::nullopt);
  EXPECT_EQ(at(11s, 3), 4u);
  EXPECT_EQ(scheduler.clogged({"smtp", "fast.test", ""}, 3, 10s, kStart + 30s), std::nullopt);
  EXPECT_EQ(scheduler.clogged({"smtp", "other.test", ""}, 0, 10s, kStart + 30s), std::nullopt);
  EXPECT_EQ(scheduler.clogged({"lmtp", "slow.test", ""}, 0, 10s, kStart + 30s), std::nullopt);
}

TEST_F(SchedulerTest, AnUnknownDeliveryNumberIsIgnored) {
  scheduler.finished(42, Outcome::reached, refused, kStart);
  EXPECT_EQ(scheduler.running(), 0u);
}

TEST_F(SchedulerTest, LastReferenceToADestinationMayGoWhileItsTransportDies) {
  scheduler.add(1, to("a.test"));
  auto running = start_all();
  end(running[0], Outcome::transport_failed);
  scheduler.add(2, to("a.test"));
  EXPECT_EQ(scheduler.take_suspended().size(), 1u);
}

}  // namespace
}  // namespace posthouse::qmgr
