#include "lib/mail/verp.h"

#include <gtest/gtest.h>

namespace posthouse::mail {
namespace {

TEST(VerpSender, NamesTheRecipient) {
  EXPECT_EQ(verp_sender("owner@a.test", "+=", "user@b.test"), "owner+user=b.test@a.test");
  EXPECT_EQ(verp_sender("Owner+x@A.test", "-=", "User+y@B.test"), "Owner+x-User+y=B.test@A.test");
}

TEST(VerpSender, KeepsTheInternalFormOfBothAddresses) {
  EXPECT_EQ(verp_sender("ow ner@a.test", "+=", "x@y@b.test"), "ow ner+x@y=b.test@a.test");
}

TEST(VerpSender, LeavesOutADomainThatIsMissing) {
  EXPECT_EQ(verp_sender("owner@a.test", "+=", "user"), "owner+user@a.test");
  EXPECT_EQ(verp_sender("owner", "+=", "user@b.test"), "owner+user=b.test");
}

TEST(VerpSender, NeedsTwoDelimiters) {
  EXPECT_EQ(verp_sender("owner@a.test", "", "user@b.test"), "owner@a.test");
  EXPECT_EQ(verp_sender("owner@a.test", "+", "user@b.test"), "owner@a.test");
}

}  // namespace
}  // namespace posthouse::mail
