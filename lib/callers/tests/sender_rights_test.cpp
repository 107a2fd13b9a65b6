#include "lib/callers/sender_rights.h"

#include <gtest/gtest.h>

namespace posthouse::callers {
namespace {

TEST(SenderRights, KnowsTheKindsOfPatterns) {
  EXPECT_TRUE(is_listed("bob@x.test", "ann, Bob@X.test", "<>"));
  EXPECT_TRUE(is_listed("ann", "ann,bob@x.test", "<>"));
  EXPECT_FALSE(is_listed("ann@x.test", "ann bob@x.test", "<>"));
  EXPECT_TRUE(is_listed("ann@x.test", "@X.test", "<>"));
  EXPECT_FALSE(is_listed("ann@sub.x.test", "@x.test", "<>"));
  EXPECT_TRUE(is_listed("ann@x.test", "bob *", "<>"));
  EXPECT_FALSE(is_listed("ann@x.test", "ann* *@x.test", "<>")) << "* is no part of a longer pattern";
  EXPECT_FALSE(is_listed("ann@x.test", "", "<>"));
  EXPECT_FALSE(is_listed("ann", "@", "<>"));
}

TEST(SenderRights, TheNullSenderHasItsOwnPattern) {
  EXPECT_TRUE(is_listed("", "ann, <>", "<>"));
  EXPECT_TRUE(is_listed("", "*", "<>"));
  EXPECT_FALSE(is_listed("", "ann @x.test", "<>"));
  EXPECT_TRUE(is_listed("", "none", "none"));
  EXPECT_FALSE(is_listed("", "<>", "none"));
  EXPECT_FALSE(is_listed("none", "none", "none")) << "that pattern is for no other address";
}

TEST(SenderRights, PatternsMayBeQuoted) {
  EXPECT_TRUE(is_listed("a b@x.test", R"(ann "a b"@x.test)", "<>"));
  EXPECT_TRUE(is_listed("a\"b, c@x.test", R"("a\"b, c"@x.test)", "<>"));
  EXPECT_FALSE(is_listed("a b@x.test", "a b@x.test", "<>"));
}

}  // namespace
}  // namespace posthouse::callers
