#include "qmgr/transports.h"

#include <gtest/gtest.h>

namespace posthouse::qmgr {
namespace {

using namespace std::chrono_literals;

Transports transports(std::string_view main_cf, std::map<std::string, std::size_t> process_limits = {}) {
  auto parsed = config::MainCf::parse(main_cf, "main.cf");
  EXPECT_TRUE(parsed);
  auto shared = std::make_shared<config::MainCf>(*std::move(parsed));
  shared->add_defaults(Parameters());
  return {shared, std::move(process_limits), 77};
}

TEST(Transports, DefaultsAreThoseOfAllTransports) {
  auto all = transports("");
  const TransportLimits& smtp = all.limits("smtp");
  EXPECT_EQ(smtp.concurrency.initial, 5u);
  EXPECT_EQ(smtp.concurrency.limit, 20u);
  EXPECT_EQ(smtp.recipients, 50u);
  EXPECT_EQ(smtp.in_memory, 20000u);
  EXPECT_EQ(smtp.deliveries, 77u);
  EXPECT_EQ(smtp.destination_rate_delay, 0s);
  EXPECT_EQ(all.limits("local").concurrency.limit, 2u);
  EXPECT_TRUE(all.is_per_recipient("local"));
}

TEST(Transports, EachLimitOfOneTransportIsItsOwn) {
  auto all = transports(R"(slow_initial_destination_concurrency = 1
slow_destination_concurrency_limit = 3
slow_destination_concurrency_positive_feedback = 1/concurrency
slow_destination_concurrency_negative_feedback = 0.5/sqrt_concurrency
slow_destination_concurrency_failed_cohort_limit = 10
slow_destination_recipient_limit = 7
slow_recipient_limit = 300
slow_destination_rate_delay = 4s
slow_transport_rate_delay = 2m
minimal_backoff_time = 100s
transport_retry_time = 9s
)",
                        {{"slow", 12}});
  const TransportLimits& slow = all.limits("slow");
  EXPECT_EQ(slow.concurrency.initial, 1u);
  EXPECT_EQ(slow.concurrency.limit, 3u);
  EXPECT_DOUBLE_EQ(slow.concurrency.positive.at(4), 0.25);
  EXPECT_DOUBLE_EQ(slow.concurrency.negative.at(4), 0.25);
  EXPECT_DOUBLE_EQ(slow.concurrency.failed_cohort_limit, 10);
  EXPECT_EQ(slow.recipients, 7u);
  EXPECT_EQ(slow.in_memory, 300u);
  EXPECT_EQ(slow.destination_rate_delay, 4s);
  EXPECT_EQ(slow.transport_rate_delay, 2min);
  EXPECT_EQ(slow.deliveries, 12u);
  EXPECT_EQ(slow.dead_destination, 100s);
  EXPECT_EQ(slow.dead_transport, 9s);
  EXPECT_EQ(all.limits("smtp").concurrency.limit, 20u);
}

TEST(Transports, DefaultsForAllReachEachTransport) {
  auto all = transports(R"(initial_destination_concurrency = 2
default_destination_concurrency_limit = 4
default_destination_concurrency_positive_feedback = 0.5
default_destination_concurrency_negative_feedback = 0.25
default_destination_concurrency_failed_cohort_limit = 3
default_destination_recipient_limit = 1
default_recipient_limit = 40
default_destination_rate_delay = 1s
default_transport_rate_delay = 2s
)");
  const TransportLimits& smtp = all.limits("smtp");
  EXPECT_EQ(smtp.concurrency.initial, 2u);
  EXPECT_EQ(smtp.concurrency.limit, 4u);
  EXPECT_DOUBLE_EQ(smtp.concurrency.positive.at(9), 0.5);
  EXPECT_DOUBLE_EQ(smtp.concurrency.negative.at(9), 0.25);
  EXPECT_DOUBLE_EQ(smtp.concurrency.failed_cohort_limit, 3);
  EXPECT_TRUE(all.is_per_recipient("smtp"));
  EXPECT_EQ(smtp.in_memory, 40u);
  EXPECT_EQ(smtp.destination_rate_delay, 1s);
  EXPECT_EQ(smtp.transport_rate_delay, 2s);
}

}  // namespace
}  // namespace posthouse::qmgr
