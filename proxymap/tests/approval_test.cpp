#include "proxymap/approval.h"

#include <gtest/gtest.h>

namespace posthouse::proxymap {

TEST(Approval, CoversTablesNamedWithProxyOnly) {
  const Approval approval("hash:/a, proxy:mysql:/b.cf permit_mynetworks check_client_access proxy:cidr:/c");
  EXPECT_TRUE(approval.covers("mysql:/b.cf"));
  EXPECT_TRUE(approval.covers("cidr:/c"));
  EXPECT_FALSE(approval.covers("hash:/a"));
  EXPECT_FALSE(approval.covers("proxy:mysql:/b.cf"));
  EXPECT_EQ(approval.size(), 2u);
}

TEST(Approval, ComparesTheWholeText) {
  const Approval approval("proxy:mysql:/b.cf");
  EXPECT_FALSE(approval.covers("mysql:/b.cf2"));
  EXPECT_FALSE(approval.covers("mysql:/b"));
  EXPECT_FALSE(approval.covers("MYSQL:/b.cf"));
}

TEST(Approval, LooksIntoGroups) {
  const Approval approval("{ check_recipient_access proxy:hash:/d }, unionmap:{proxy:hash:/e,static:x}");
  EXPECT_TRUE(approval.covers("hash:/d"));
  EXPECT_TRUE(approval.covers("hash:/e"));
}

TEST(Approval, RepeatedPrefixesAreOne) {
  EXPECT_TRUE(Approval("proxy:proxy:hash:/f").covers("hash:/f"));
}

TEST(Approval, AnEmptyListCoversNothing) {
  EXPECT_FALSE(Approval("").covers("hash:/f"));
}

}  // namespace posthouse::proxymap
