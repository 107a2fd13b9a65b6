#include "local/expander.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace posthouse::local {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ExpanderTest : public ::testing::Test {
 protected:
  ExpanderTest() {
    world.alias = [this](const std::string& name) -> Result<std::optional<AliasEntry>> {
      if (broken) return fail(Failure::deferred("4.3.0", "x"));
      const auto found = aliases.find(name);
      if (found == aliases.end()) return std::nullopt;
      return AliasEntry{found->second, alias_owner};
    };
    world.user = [this](const std::string& name) -> Result<std::optional<User>> {
      if (!users.contains(name)) return std::nullopt;
      return User{name, "/home/" + name, "/bin/sh", {1000, 1000}};
    };
    world.forward = [this](const User& user, const Names& names) -> Result<std::optional<ForwardFile>> {
      const auto found_extension = names.find("extension");
      const std::string extension = found_extension == names.end() ? "" : "+" + found_extension->second;
      auto found = forwards.find(user.name + extension);
      if (found != forwards.end()) return ForwardFile{found->second, !extension.empty()};
      found = forwards.find(user.name);
      if (found == forwards.end()) return std::nullopt;
      return ForwardFile{found->second, false};
    };
    world.include = [this](const std::string& path, const std::optional<User>&) -> Result<IncludeFile> {
      return IncludeFile{files[path]};
    };
    world.user_of_uid = [](unsigned uid) -> Result<std::optional<User>> {
      if (uid == 4321) return std::nullopt;
      return User{"owner", "/", "", {uid, uid}};
    };
    world.is_local_domain = [](const std::string& domain) { return domain == "here.test"; };
    rules.myorigin = "here.test";
    rules.recipient_delimiter = "+";
    rules.default_user = {"nobody", "/", "", {65534, 65534}};
  }
  Result<Expansion> expand(const std::string& address) { return Expander(world, rules).expand(address); }
  static std::vector<std::string> names(const Expansion& expansion) {
    std::vector<std::string> all;
    for (const User& user : expansion.mailboxes) all.push_back(user.name);
    return all;
  }

  std::map<std::string, std::string> aliases, forwards, files;
  std::set<std::string> users{"bob", "eve"};
  unsigned alias_owner = 0;
  bool broken = false;
  World world;
  ExpanderRules rules;
};

TEST_F(ExpanderTest, AUserWithoutAliasHasAMailbox) {
  EXPECT_THAT(names(*expand("Bob@here.test")), ElementsAre("bob"));
  EXPECT_THAT(names(*expand("bob+ext@here.test")), ElementsAre("bob"));
}

TEST_F(ExpanderTest, AnUnknownUserIsNamed) {
  EXPECT_EQ(expand("nobody.here@here.test")->unknown, "nobody.here");
}

TEST_F(ExpanderTest, ASingleLocalTargetIsFollowed) {
  aliases = {{"root", "admin"}, {"admin", "bob@here.test"}};
  const auto expansion = expand("root@here.test");
  EXPECT_THAT(names(*expansion), ElementsAre("bob"));
  EXPECT_THAT(expansion->addresses, IsEmpty());
}

TEST_F(ExpanderTest, SeveralTargetsBecomeRecipientsOfANewMessage) {
  aliases = {{"team", "bob, eve, x@far.test"}};
  const auto expansion = expand("team@here.test");
  EXPECT_THAT(expansion->addresses, ElementsAre("bob@here.test", "eve@here.test", "x@far.test"));
  EXPECT_THAT(names(*expansion), IsEmpty());
}

TEST_F(ExpanderTest, ANameInItsOwnAliasIsItsMailbox) {
  aliases = {{"bob", "bob, x@far.test"}};
  const auto expansion = expand("bob@here.test");
  EXPECT_THAT(names(*expansion), ElementsAre("bob"));
  EXPECT_THAT(expansion->addresses, ElementsAre("x@far.test"));
}

TEST_F(ExpanderTest, ABackslashSkipsExpansion) {
  aliases = {{"eve", "x@far.test"}};
  forwards = {{"bob", "\\bob, \\eve"}};
  EXPECT_THAT(names(*expand("bob@here.test")), ElementsAre("bob", "eve"));
}

TEST_F(ExpanderTest, AliasLoopsEnd) {
  aliases = {{"a", "b"}, {"b", "a"}};
  const auto expansion = expand("a@here.test");
  ASSERT_TRUE(expansion);
  EXPECT_EQ(expansion->unknown, "a");
}

TEST_F(ExpanderTest, IncludesAreReadOnceAndNotForEver) {
  aliases = {{"list", ":include:/list"}};
  files = {{"/list", "# members\nx@far.test\ny@far.test\n"}};
  EXPECT_THAT(expand("list@here.test")->addresses, ElementsAre("x@far.test", "y@far.test"));
  files["/list"] = ":include:/list\n";
  EXPECT_EQ(expand("list@here.test").error().text, "recipient nesting limit exceeded");
  for (int i = 0; i < 1000; ++i) {
    files[std::to_string(i)] = ":include:" + std::to_string(i + 1);
  }
  files["/list"] = ":include:0";
  EXPECT_EQ(expand("list@here.test").error().dsn, "5.4.6");
}

TEST_F(ExpanderTest, CommandsAreRestricted) {
  aliases = {{"robot", "\"|/bin/robot\""}};
  const auto expansion = expand("robot@here.test");
  ASSERT_FALSE(expansion);
  EXPECT_TRUE(expansion.error().is_permanent());
  EXPECT_EQ(expansion.error().text, "mail to command is restricted");
}

TEST_F(ExpanderTest, FilesBelongToWhoNamedThem) {
  aliases = {{"archive", "/var/archive"}};
  EXPECT_EQ(expand("archive@here.test")->files.at(0).owner.uid, 65534u);
  alias_owner = 1234;
  EXPECT_EQ(expand("archive@here.test")->files.at(0).owner.uid, 1234u);
  alias_owner = 4321;
  EXPECT_EQ(expand("archive@here.test").error().text, "mail system configuration error");
  forwards = {{"bob", "/h/bob/all"}};
  EXPECT_EQ(expand("bob@here.test")->files.at(0).owner.uid, 1000u);
}

TEST_F(ExpanderTest, AnOwnerAliasIsTheSender) {
  aliases = {{"list", "x@far.test"}, {"owner-list", "bob"}};
  EXPECT_EQ(expand("list@here.test")->owner, "owner-list@here.test");
}

TEST_F(ExpanderTest, AListWithAnOwnerSendsEverythingOn) {
  aliases = {{"list", "bob"}, {"owner-list", "eve"}};
  const auto expansion = expand("list@here.test");
  EXPECT_THAT(names(*expansion), IsEmpty());
  EXPECT_THAT(expansion->addresses, ElementsAre("bob@here.test"));
  EXPECT_EQ(expansion->owner, "owner-list@here.test");
}

TEST_F(ExpanderTest, TheOwnerMayStandForAnAddress) {
  aliases = {{"list", "x@far.test"},
             {"owner-list", "eve@far.test"},
             {"two", "x@far.test"},
             {"owner-two", "eve, bob"}};
  rules.expands_owner = true;
  EXPECT_EQ(expand("list@here.test")->owner, "eve@far.test");
  EXPECT_EQ(expand("two@here.test")->owner, "owner-two@here.test");
}

TEST_F(ExpanderTest, AChildOfAListHasItsOwnOwnerOrTheLists) {
  aliases = {{"list", "child"}, {"owner-list", "eve"}, {"child", "bob"}};
  EXPECT_THAT(expand("list@here.test")->addresses, ElementsAre("bob@here.test"));
  EXPECT_EQ(expand("list@here.test")->owner, "owner-list@here.test");
  rules.resets_owner = true;
  EXPECT_THAT(names(*expand("list@here.test")), ElementsAre("bob"));
  aliases["owner-child"] = "eve";
  EXPECT_EQ(expand("list@here.test")->owner, "owner-child@here.test");
}

TEST_F(ExpanderTest, AnUnavailableAliasTableDefers) {
  broken = true;
  const auto expansion = expand("bob@here.test");
  EXPECT_FALSE(expansion.error().is_permanent());
  EXPECT_EQ(expansion.error().text, "alias database unavailable");
}

TEST_F(ExpanderTest, AnEmptyForwardFileMeansTheMailbox) {
  forwards = {{"bob", "\n# nothing\n"}};
  EXPECT_THAT(names(*expand("bob@here.test")), ElementsAre("bob"));
}

TEST_F(ExpanderTest, AnExtensionThatNoAliasMatchedIsPassedOnIfAllowed) {
  aliases = {{"list", "x@far.test, \"a b\"@far.test, y+z@far.test, bob"},
             {"list+own", "x@far.test"},
             {"chain", "list"},
             {"file", "/var/archive"}};
  EXPECT_THAT(expand("list+Ext@here.test")->addresses,
              ElementsAre("x@far.test", "a b@far.test", "y+z@far.test", "bob@here.test"));
  rules.alias_propagates = true;
  rules.recipient_delimiter = "-+";
  EXPECT_THAT(expand("list+Ext@here.test")->addresses,
              ElementsAre("x+ext@far.test", "a b+ext@far.test", "y+z+ext@far.test", "bob+ext@here.test"));
  EXPECT_THAT(expand("list-@here.test")->addresses,
              ElementsAre("x-@far.test", "a b-@far.test", "y+z-@far.test", "bob-@here.test"));
  EXPECT_THAT(expand("list+own@here.test")->addresses, ElementsAre("x@far.test"));
  EXPECT_THAT(expand("chain+own@here.test")->addresses, ElementsAre("x@far.test"));
  EXPECT_EQ(expand("file+ext@here.test")->files.at(0).path, "/var/archive");
}

TEST_F(ExpanderTest, AListInAFilePassesOnWhatItsAliasDoes) {
  aliases = {{"list", ":include:/list"}, {"list+own", ":include:/list"}};
  files = {{"/list", "x@far.test\n"}};
  rules.include_propagates = true;
  EXPECT_THAT(expand("list+ext@here.test")->addresses, ElementsAre("x@far.test"));
  rules.alias_propagates = true;
  EXPECT_THAT(expand("list+ext@here.test")->addresses, ElementsAre("x+ext@far.test"));
  EXPECT_THAT(expand("list+own@here.test")->addresses, ElementsAre("x@far.test"));
  rules.include_propagates = false;
  EXPECT_THAT(expand("list+ext@here.test")->addresses, ElementsAre("x@far.test"));
}

TEST_F(ExpanderTest, AForwardFileOfTheExtensionPassesNothingOn) {
  forwards = {{"bob", "x@far.test"}, {"bob+own", "x@far.test"}};
  EXPECT_THAT(expand("bob+ext@here.test")->addresses, ElementsAre("x@far.test"));
  rules.forward_propagates = true;
  EXPECT_THAT(expand("bob+ext@here.test")->addresses, ElementsAre("x+ext@far.test"));
  EXPECT_THAT(expand("bob+own@here.test")->addresses, ElementsAre("x@far.test"));
}

}  // namespace
}  // namespace posthouse::local
