#include "smtpd/client_limits.h"

#include <gtest/gtest.h>

namespace posthouse::smtpd {
namespace {

using std::chrono::seconds;
constexpr Deadline kStart{seconds(1000)};

TEST(ClientLimits, ConnectionsAreCountedByNetwork) {
  ClientLimits limits(seconds(60), /*counts_events=*/false);
  {
    const ClientLimits::Visit one(limits, "192.0.2.1"), two(limits, "192.0.2.1"), other(limits, "192.0.2.2");
    EXPECT_EQ(two.connections(), 2);
    EXPECT_EQ(other.connections(), 1);
  }
  EXPECT_EQ(limits.size(), 0u);
}

TEST(ClientLimits, ATimeUnitBeginsWithTheFirstEvent) {
  ClientLimits limits(seconds(60), true);
  const auto count = [&](ClientEvent event, int second) {
    return ClientLimits::Visit(limits, "192.0.2.1").count(event, kStart + seconds(second));
  };
  EXPECT_EQ(count(ClientEvent::message, 0), 1);
  EXPECT_EQ(count(ClientEvent::message, 30), 2);
  EXPECT_EQ(count(ClientEvent::recipient, 59), 1);
  EXPECT_EQ(count(ClientEvent::message, 59), 3);
  EXPECT_EQ(count(ClientEvent::recipient, 60), 1);
  EXPECT_EQ(count(ClientEvent::message, 60), 1);
  EXPECT_EQ(count(ClientEvent::message, 119), 2);
  EXPECT_EQ(limits.size(), 1u);
}

TEST(ClientLimits, ClientsThatAreGoneAreForgotten) {
  ClientLimits limits(seconds(60), true);
  const ClientLimits::Visit stays(limits, "stays");
  for (int i = 0; i < 5000; ++i)
    ClientLimits::Visit(limits, std::to_string(i)).count(ClientEvent::message, kStart);  // long ago
  EXPECT_LE(limits.size(), 1001u);
  EXPECT_EQ(stays.connections(), 1);
}

TEST(ClientLimits, AnIpv6ClientIsItsNetwork) {
  Client client;
  client.address = "2001:db8:1:2:3:4:5:6";
  EXPECT_EQ(network_of(client), "2001:db8:1:2::");
  client.address = "192.0.2.7";
  EXPECT_EQ(network_of(client), "192.0.2.7");
}

}  // namespace
}  // namespace posthouse::smtpd
