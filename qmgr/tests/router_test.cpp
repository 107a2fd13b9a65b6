#include "qmgr/router.h"

#include <gtest/gtest.h>

namespace posthouse::qmgr {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  RoutedRecipient route(const std::string& address, ipc::Resolved resolved) {
    if (resolved.recipient.empty()) resolved.recipient = address;
    return Router(rules).route(envelope, {{.address = address}}, {resolved}).at(0);
  }
  RoutingRules rules;
  queuefile::Envelope envelope;
};

TEST_F(RouterTest, FollowsTheResolver) {
  const auto routed =
      route("a@x.test", {.transport = "lmtp", .nexthop = "[127.0.0.1]:24", .recipient = "b@x.test"});
  EXPECT_EQ(routed.route.transport, "lmtp");
  EXPECT_EQ(routed.route.next_hop, "[127.0.0.1]:24");
  EXPECT_EQ(routed.recipient.address, "b@x.test");
  EXPECT_EQ(routed.recipient.original, "a@x.test");
}

TEST_F(RouterTest, TroubleBecomesATransport) {
  const auto broken = route("a b", {.status = ipc::Resolved::Status::bad_syntax});
  EXPECT_EQ(broken.route.transport, "error");
  EXPECT_EQ(broken.route.next_hop, "5.1.3 bad address syntax");
  const auto later = route("a@x.test", {.status = ipc::Resolved::Status::temporary});
  EXPECT_EQ(later.route.transport, "retry");
  EXPECT_EQ(later.route.next_hop, "4.3.0 address resolver failure");
}

TEST_F(RouterTest, AMinusInFrontIsRefusedUnlessAllowed) {
  EXPECT_EQ(route("-rf@x.test", {.transport = "local"}).route.transport, "error");
  rules.allow_min_user = true;
  EXPECT_EQ(route("-rf@x.test", {.transport = "local"}).route.transport, "local");
}

TEST_F(RouterTest, NoticesToTheDoubleBounceAddressEndHere) {
  const auto routed =
      route("double-bounce@x.test", {.address_class = ipc::AddressClass::local, .transport = "local"});
  EXPECT_EQ(routed.route.transport, "discard");
  EXPECT_EQ(routed.route.next_hop, "2.0.0 undeliverable postmaster notification discarded");
}

TEST_F(RouterTest, ADestinationMayBeOneUser) {
  rules.is_per_recipient = [](const std::string&) { return true; };
  rules.recipient_delimiter = "+";
  EXPECT_EQ(route("Bob+x@here.test", {.transport = "local", .nexthop = "here.test"}).route.queue_name,
            "bob@here.test");
  EXPECT_EQ(route("Bob+x@here.test", {.transport = "pipe", .nexthop = "here.test"}).route.queue_name,
            "bob+x@here.test");
}

TEST_F(RouterTest, AFilterWithoutNextHopUsesTheRecipientsDomain) {
  envelope.filter = "scan:";
  ASSERT_FALSE(Router(rules).needs_resolver(envelope));
  EXPECT_EQ(Router(rules).route(envelope, {{.address = "a@X.test"}}, {}).at(0).route.next_hop, "x.test");
  rules.default_filter_nexthop = "filter.test";
  EXPECT_EQ(Router(rules).route(envelope, {{.address = "a@x.test"}}, {}).at(0).route.next_hop, "filter.test");
}

TEST_F(RouterTest, ProbesAreNotFiltered) {
  envelope.filter = "scan:";
  envelope.trace_flags = queuefile::kTraceSystemProbe;
  EXPECT_TRUE(Router(rules).needs_resolver(envelope));
}

TEST_F(RouterTest, ARedirectOverridesTheFilter) {
  envelope.filter = "scan:";
  envelope.redirect = "b@x.test";
  EXPECT_TRUE(Router(rules).needs_resolver(envelope));
}

}  // namespace
}  // namespace posthouse::qmgr
