#include "virtual/mailbox_finder.h"

#include <gtest/gtest.h>

#include "lib/table/text_types.h"

namespace posthouse::virtual_agent {
namespace {

class FinderTest : public ::testing::Test {
 protected:
  MailboxFinder finder(const std::string& users = "static:5000", const std::string& groups = "static:5001") {
    const std::string mailboxes =
        "inline:{ {bob@x.test = x/bob/} {eve+list@x.test = x/list} {@any.test = any/} }";
    FinderSettings settings{.mailboxes = {tables_, "virtual_mailbox_maps", mailboxes},
                            .users = {tables_, "virtual_uid_maps", users},
                            .groups = {tables_, "virtual_gid_maps", groups},
                            .rules = {}};
    settings.rules.recipient_delimiter = "+";
    return MailboxFinder(std::move(settings));
  }

 private:
  table::Tables tables_{table::Settings{}, table::text_types()};
};

TEST_F(FinderTest, FindsTheAddressInAnyCaseAndWithoutExtension) {
  const auto place = finder().find("Bob+ext@X.test");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->path, "x/bob/");
  EXPECT_EQ(place->owner.uid, 5000u);
  EXPECT_EQ(place->owner.gid, 5001u);
  EXPECT_EQ(finder().find("eve+list@x.test")->path, "x/list");
  EXPECT_EQ(finder().find("who@any.test")->path, "any/");
}

TEST_F(FinderTest, AnUnknownUserBounces) {
  const auto place = finder().find("Eve@x.test");
  ASSERT_FALSE(place);
  EXPECT_TRUE(place.error().is_permanent());
  EXPECT_EQ(place.error().dsn, "5.1.1");
  EXPECT_EQ(place.error().text, "unknown user: \"eve@x.test\"");
}

TEST_F(FinderTest, LowUserIdsAndMissingOnesDefer) {
  for (const char* users : {"static:0", "static:99", "static:bob", "inline:{a=b}"}) {
    const auto place = finder(users).find("bob@x.test");
    ASSERT_FALSE(place) << users;
    EXPECT_FALSE(place.error().is_permanent());
    EXPECT_EQ(place.error().dsn, "4.3.5");
  }
  EXPECT_FALSE(finder("static:5000", "static:0").find("bob@x.test"));
}

TEST_F(FinderTest, AFailingTableDefers) {
  const auto place = finder("fail:x").find("bob@x.test");
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().text, "table lookup failure");
}

}  // namespace
}  // namespace posthouse::virtual_agent
