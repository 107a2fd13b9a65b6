#include "lib/delivery/delivery_line.h"

#include <gtest/gtest.h>

namespace posthouse::delivery {

using namespace std::chrono_literals;

TEST(DeliveryLine, HasTheFormThatLogToolsRead) {
  const Relay relay{.name = "mx.test[192.0.2.1]:25", .uses = 2};
  const DeliveryLine line{.queue_id = "3F4B8AC8069",
                          .address = "a b@virt.test",
                          .original = "multi@virt.test",
                          .relay = relay,
                          .delays = "delay=0.04, delays=0.01/0.02/0/0.01",
                          .dsn = "2.0.0",
                          .status = "sent",
                          .reason = "250-first\n250 2.0.0 Ok"};
  EXPECT_EQ(line.text(),
            "3F4B8AC8069: to=<\"a b\"@virt.test>, orig_to=<multi@virt.test>, relay=mx.test[192.0.2.1]:25, "
            "conn_use=2, "
            "delay=0.04, delays=0.01/0.02/0/0.01, dsn=2.0.0, status=sent (250-first 250 2.0.0 Ok)");
}

TEST(DeliveryLine, LeavesOutWhatSaysNothing) {
  const Relay relay;
  const DeliveryLine line{.queue_id = "A",
                          .address = "a@x.test",
                          .original = "A@X.test",
                          .relay = relay,
                          .delays = "delay=0, delays=0/0/0/0",
                          .dsn = "4.4.1",
                          .status = "deferred",
                          .reason = "no"};
  EXPECT_EQ(line.text(),
            "A: to=<a@x.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.4.1, status=deferred (no)");
}

TEST(Times, SplitsTheDelayIntoFourPhases) {
  const Time start = time_from_unix(1000);
  const Times times{start, start + 10ms, start + 30ms};
  EXPECT_EQ(times.text({.ready = start + 530ms}, start + 1100ms, 2), "delay=1.1, delays=0.01/0.02/0.5/0.57");
  EXPECT_EQ(times.text({}, start + 40ms, 2), "delay=0.04, delays=0.01/0.02/0/0.01");
}

TEST(Times, AClockThatWentBackwardsGivesZero) {
  const Time start = time_from_unix(1000);
  const Times times{start, start - 1s, start - 2s};
  EXPECT_EQ(times.text({}, start - 3s, 2), "delay=0, delays=0/0/0/0");
}

}  // namespace posthouse::delivery
