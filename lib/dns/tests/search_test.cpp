#include "lib/dns/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace posthouse::dns {
namespace {

using testing::ElementsAre;

TEST(SearchDomains, TheLaterLineCounts) {
  EXPECT_THAT(search_domains("nameserver 1.2.3.4\n", "mx.example.test"), ElementsAre("example.test"));
  EXPECT_THAT(search_domains("", "mx"), ElementsAre());
  EXPECT_THAT(search_domains("domain a.test b.test\n", "mx.example.test"), ElementsAre("a.test"));
  EXPECT_THAT(search_domains("domain a.test\nsearch b.test\tc.test\n", "mx"),
              ElementsAre("b.test", "c.test"));
  EXPECT_THAT(search_domains("search .\n", "mx.example.test"), ElementsAre());
}

TEST(SearchRules, Candidates) {
  const auto names = [](bool default_names, bool other_names, std::string_view name) {
    return SearchRules{default_names, other_names, {"x.test", "y.test"}}.candidates(name);
  };
  EXPECT_THAT(names(false, false, "a"), ElementsAre("a"));
  EXPECT_THAT(names(true, false, "a"), ElementsAre("a.x.test", "a"));
  EXPECT_THAT(names(true, true, "a"), ElementsAre("a.x.test", "a.y.test", "a"));
  EXPECT_THAT(names(false, true, "a"), ElementsAre("a"));
  EXPECT_THAT(names(false, true, "a.b"), ElementsAre("a.b", "a.b.x.test", "a.b.y.test"));
  EXPECT_THAT(names(true, false, "a.b"), ElementsAre("a.b"));
  EXPECT_THAT(names(true, true, "a."), ElementsAre("a."));
}

// Names it does not have do not exist.
class Zone : public Lookups {
 public:
  std::map<std::string, Outcome, std::less<>> outcomes;
  Reply query(std::string_view name, Type type, Deadline) override {
    const auto found = outcomes.find(name);
    Reply reply;
    reply.outcome = found == outcomes.end() ? Outcome::no_host : found->second;
    reply.name = name;
    reply.type = type;
    return reply;
  }
};

TEST(SearchingLookups, TheFirstThatIsThereCountsAndTroubleEndsTheSearch) {
  Zone zone;
  SearchingLookups lookups(zone, {true, true, {"x.test", "y.test"}});
  const auto asked = [&](Type type = Type::a) { return lookups.query("a", type, kNever); };
  EXPECT_EQ(asked().outcome, Outcome::no_host);
  EXPECT_EQ(asked().name, "a");
  zone.outcomes = {{"a.y.test", Outcome::no_data}};
  EXPECT_EQ(asked().outcome, Outcome::no_data);
  zone.outcomes["a"] = Outcome::found;
  EXPECT_EQ(asked().name, "a");
  EXPECT_EQ(asked().outcome, Outcome::found);
  zone.outcomes["a.y.test"] = Outcome::temporary;
  EXPECT_EQ(asked().outcome, Outcome::temporary);
  EXPECT_EQ(asked(Type::mx).outcome, Outcome::found);
}

}  // namespace
}  // namespace posthouse::dns
