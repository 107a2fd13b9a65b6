#include "lib/config/param_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/config/core_parameters.h"

namespace posthouse::config {
namespace {

enum class Color : unsigned char { red, green };

struct Params : ParamSet {
  Int errors{*this, {.name = "errors", .fallback = "${stress?{1}:{20}}", .at_least = 1}};
  Seconds wait{*this, {.name = "wait", .fallback = "${stress?{10}:{300}}s"}};
  Seconds lifetime{*this, {.name = "lifetime", .fallback = "5", .unit = 'd'}};
  Bytes size{*this, {.name = "size", .fallback = "4k"}};
  Bool wanted{*this, {.name = "wanted", .fallback = "no"}};
  List maps{*this, {.name = "maps", .fallback = "a, { b = c, d },e f"}};
  Raw banner{*this, {.name = "banner", .fallback = "$myhostname ESMTP"}};
  Int port{*this, {.name = "port", .fallback = "25", .at_least = 1, .at_most = 65535}};
  Int low{*this, {.name = "low", .fallback = "0", .at_most = 9}};
  Choice<Color> color{*this, {.name = "color", .fallback = "red", .words = {"red", "green"}}};
};

struct Transport : TransportParamSet {
  using TransportParamSet::TransportParamSet;
  Int limit{*this, {.name = named("limit"), .fallback = special("local", "2", "$default_limit")}};
};

MainCf parsed(std::string_view text) {
  return *MainCf::parse(text, "main.cf");
}

TEST(ParamSet, ReadsTypedDefaults) {
  auto params = load<Params>(parsed(""));
  ASSERT_TRUE(params);
  EXPECT_EQ((*params)->errors(), 20);
  EXPECT_EQ((*params)->wait(), std::chrono::seconds(300));
  EXPECT_EQ((*params)->lifetime(), std::chrono::days(5));
  EXPECT_EQ((*params)->size(), 4096U);
  EXPECT_FALSE((*params)->wanted());
  EXPECT_THAT((*params)->maps(), testing::ElementsAre("a", "{ b = c, d }", "e", "f"));
  EXPECT_EQ((*params)->banner(), "$myhostname ESMTP");
  EXPECT_EQ((*params)->color(), Color::red);
}

TEST(ParamSet, StressIsAnotherLoad) {
  auto params = load<Params>(parsed("").with("stress", "yes"));
  EXPECT_EQ((*params)->errors(), 1);
  EXPECT_EQ((*params)->wait(), std::chrono::seconds(10));
}

TEST(ParamSet, CollectsAllProblems) {
  auto params = load<Params>(
      parsed("errors = 0\nwait = 3x\nsize = -1\nwanted = maybe\ncolor = blue\nmaps = ${x\nlifetime=1w\n"));
  ASSERT_FALSE(params);
  std::vector<std::string> texts;
  for (const Problem& problem : params.error()) texts.push_back(problem.text());
  EXPECT_THAT(texts, testing::ElementsAre(
                         "main.cf, line 1: errors = 0: expected a number of at least 1",
                         "main.cf, line 2: wait = 3x: expected a time such as 30s, 5m, 3h, 2d or 1w",
                         "main.cf, line 3: size = -1: expected a size in bytes, or with k, m or g",
                         "main.cf, line 4: wanted = maybe: expected yes or no",
                         "main.cf, line 6: maps = ${x: expected a correct expression, but: truncated "
                         "macro reference: \"${x\"",
                         "main.cf, line 5: color = blue: expected one of: red, green"));
}

TEST(ParamSet, NumbersHaveUpperBounds) {
  EXPECT_EQ((*load<Params>(parsed("port = 65535\nlow = 9\n")))->port(), 65535);
  const auto params = load<Params>(parsed("port = 65536\nlow = 10\n"));
  ASSERT_FALSE(params);
  ASSERT_EQ(params.error().size(), 2U);
  EXPECT_EQ(params.error()[0].text(), "main.cf, line 1: port = 65536: expected a number between 1 and 65535");
  EXPECT_EQ(params.error()[1].text(), "main.cf, line 2: low = 10: expected a number of at most 9");
}

TEST(ParamSet, SizesHaveUnits) {
  const auto size = [](std::string_view text) {
    return (*load<Params>(parsed("size = " + std::string(text) + "\n")))->size();
  };
  EXPECT_EQ(size("7"), 7U);
  EXPECT_EQ(size("3K"), 3072U);
  EXPECT_EQ(size("2m"), 2U << 20);
  EXPECT_EQ(size("5G"), std::uint64_t{5} << 30);
}

TEST(ParamSet, NamesMayDependOnTheTransport) {
  MainCf main_cf = parsed("default_limit = 20\nsmtp_limit = 3\n");
  EXPECT_EQ((*load<Transport>(main_cf, "smtp"))->limit(), 3);
  EXPECT_EQ((*load<Transport>(main_cf, "relay"))->limit(), 20);
  EXPECT_EQ((*load<Transport>(main_cf, "local"))->limit(), 2);
}

TEST(ParamSet, CoreSetsLoadFromAnEmptyFile) {
  MainCf main_cf = *MainCf::parse("", "main.cf", Host{.name = "mx.example.com"});
  EXPECT_TRUE(load<Directories>(main_cf));
  EXPECT_EQ((*load<Identity>(main_cf))->myorigin(), "mx.example.com");
  EXPECT_EQ((*load<Networks>(main_cf))->mynetworks_style(), NetworksStyle::subnet);
  EXPECT_TRUE(load<Rights>(main_cf));
  EXPECT_EQ((*load<Logging>(main_cf))->syslog_name(), "postfix");
  EXPECT_EQ((*load<Messages>(main_cf))->message_size_limit(), 10240000U);
  EXPECT_TRUE(load<Queue>(main_cf));
  EXPECT_LT((*load<Compatibility>(main_cf))->compatibility_level(), *CompatibilityLevel::parse("3.6"));
}

TEST(SplitList, KeepsGroupsAndDropsEmptyPieces) {
  EXPECT_THAT(split_list(" a,,b\n\tc:{ d, e } {f"), testing::ElementsAre("a", "b", "c:{ d, e }", "{f"));
  EXPECT_TRUE(split_list(" , ").empty());
  EXPECT_EQ(inside_braces("{ a = b }"), "a = b");
}

TEST(ParseSeconds, KnowsUnits) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_seconds("2h"), seconds(7200));
  EXPECT_EQ(parse_seconds("2", 'd'), seconds(172800));
  EXPECT_EQ(parse_seconds("1w"), seconds(604800));
  EXPECT_FALSE(parse_seconds(""));
  EXPECT_FALSE(parse_seconds("-1s"));
  EXPECT_FALSE(parse_seconds("1.5h"));
}

}  // namespace
}  // namespace posthouse::config
