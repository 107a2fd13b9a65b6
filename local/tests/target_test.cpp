#include "local/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthouse::local {

using ::testing::ElementsAre;
using Kind = Target::Kind;

TEST(Targets, OfAllKinds) {
  EXPECT_THAT(*parse_targets(R"(bob, "|/bin/cmd a, b", /var/file, :include:/etc/list, \bob, x@y.test)"),
              ElementsAre(Target{Kind::address, "bob"}, Target{Kind::command, "/bin/cmd a, b"},
                          Target{Kind::file, "/var/file"}, Target{Kind::include, "/etc/list"},
                          Target{Kind::address, "bob", true}, Target{Kind::address, "x@y.test"}));
}

TEST(Targets, AddressesMayBeQuotedOrInAngles) {
  EXPECT_THAT(*parse_targets(R"("a b"@x.test, Bob <bob@x.test>)"),
              ElementsAre(Target{Kind::address, "a b@x.test"}, Target{Kind::address, "bob@x.test"}));
}

TEST(Targets, ACommandNeedsNoQuotes) {
  EXPECT_THAT(*parse_targets("|cmd x"), ElementsAre(Target{Kind::command, "cmd x"}));
}

TEST(Targets, HalfAQuoteIsAnError) {
  EXPECT_FALSE(parse_targets("\"|cmd"));
}

TEST(Targets, FilesHaveCommentsAndLines) {
  EXPECT_THAT(*parse_target_file("# me\n\nbob,eve\n  x@y.test\n"),
              ElementsAre(Target{Kind::address, "bob"}, Target{Kind::address, "eve"},
                          Target{Kind::address, "x@y.test"}));
}

TEST(Targets, NothingIsNothing) {
  EXPECT_TRUE(parse_targets(" , ,").value().empty());
}

}  // namespace posthouse::local
