#include "lib/config/main_cf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/config/core_parameters.h"

namespace posthouse::config {
namespace {

MainCf parsed(std::string_view text, Host host = {}) {
  auto result = MainCf::parse(text, "main.cf", std::move(host));
  EXPECT_TRUE(result) << result.error().front().text();
  return *std::move(result);
}

std::string expanded(std::string_view text) {
  auto result = parsed("a = 1\nempty =\nwords = x y\n").expand(text);
  return result ? *result : "error: " + result.error().expected;
}

TEST(MainCf, JoinsContinuationLinesAcrossCommentsAndEmptyLines) {
  MainCf main_cf = parsed("a = b # not a comment\n\n # c\n  more\t\n\n  last  \nb =\n  x\n");
  EXPECT_EQ(main_cf.find("a")->value, "b # not a comment  more\t  last");
  EXPECT_EQ(main_cf.find("b")->value, "x");
  EXPECT_EQ(main_cf.find("b")->line, 7);
}

TEST(MainCf, NeedsNoFinalNewlineAndAcceptsCarriageReturns) {
  MainCf main_cf = parsed("a = 1\r\nb=2");
  EXPECT_EQ(main_cf.find("a")->value, "1");
  EXPECT_EQ(main_cf.find("b")->value, "2");
}

TEST(MainCf, LastDefinitionWinsWithAWarning) {
  MainCf main_cf = parsed("a = 1\na = 2\n");
  EXPECT_EQ(main_cf.find("a")->value, "2");
  EXPECT_THAT(main_cf.warnings(), testing::ElementsAre("main.cf, line 2: overriding earlier entry: a=1"));
}

TEST(MainCf, ReportsEveryBadLineWithItsNumber) {
  auto result = MainCf::parse("abc\n= d\nok = 1\n", "main.cf");
  ASSERT_FALSE(result);
  ASSERT_EQ(result.error().size(), 2U);
  EXPECT_EQ(result.error()[0].text(), "main.cf, line 1: missing '=' after attribute name: \"abc\"");
  EXPECT_EQ(result.error()[1].text(), "main.cf, line 2: missing attribute name: \"= d\"");
}

TEST(MainCf, WarnsOfALineThatContinuesNothing) {
  MainCf main_cf = parsed("  a = 1\nb = 2\n");
  EXPECT_EQ(main_cf.find("a"), nullptr);
  EXPECT_EQ(main_cf.warnings().size(), 1U);
}

TEST(MainCf, OverridesTakeBothForms) {
  MainCf main_cf = parsed("a = 1\n");
  EXPECT_TRUE(main_cf.override_with("a=2"));
  EXPECT_TRUE(main_cf.override_with("{ b = x y }"));
  EXPECT_EQ(main_cf.value("a"), "2");
  EXPECT_EQ(main_cf.value("b"), "x y");
  EXPECT_FALSE(main_cf.override_with("a"));
  EXPECT_FALSE(main_cf.override_with("{ b = x"));
}

struct Expansion {
  std::string text, result;
};
class Expand : public testing::TestWithParam<Expansion> {};

TEST_P(Expand, GivesWhatPostfixGives) {
  EXPECT_EQ(expanded(GetParam().text), GetParam().result);
}

// Results of postconf 3.7.11 -x.
INSTANTIATE_TEST_SUITE_P(
    MainCf, Expand,
    testing::Values(
        Expansion{"$a.b", "1.b"}, Expansion{"$a-b", "1-b"}, Expansion{"${a}", "1"}, Expansion{"$(a)", "1"},
        Expansion{"${a?y}", "y"}, Expansion{"${a:n}", ""}, Expansion{"${empty?y}", ""},
        Expansion{"${empty:n}", "n"}, Expansion{"${a?{yes}:{no}}", "yes"},
        Expansion{"${empty?{yes}:{no}}", "no"}, Expansion{"$$", "$"}, Expansion{"${ a }", "1"},
        Expansion{"${a ? { q } : { c }}.", " q ."}, Expansion{"${{$a} == {1} ? {eq} : {ne}}", "eq"},
        Expansion{"${{$a} == {1}}", "true"}, Expansion{"${{$a} == {2}}", ""},
        Expansion{"${{10} < {9} ? {lt} : {ge}}", "ge"}, Expansion{"${{a10} < {a9} ? {lt} : {ge}}", "lt"},
        Expansion{"${{$a} =={1}?{eq}:{ne}}", "eq"}, Expansion{"${{$a} == {1} ? eq}", "eq"},
        Expansion{"${{$a} == {2} : ne}", "ne"}, Expansion{"${a?${a?${a}}}", "1"},
        Expansion{"${{3.10} >level {3.9} ? {y} : {n}}", "y"}, Expansion{"$a$$b", "1$b"},
        Expansion{"${a?{yes}:no}", "yes"}, Expansion{"${a?yes:no}", "yes:no"}, Expansion{"{q}", "{q}"},
        Expansion{"${{} == {} ? {y} : {n}}", "y"}, Expansion{"${{ 1 } == {1} ? {y} : {n}}", "n"},
        Expansion{"${a}}", "1}"}, Expansion{"${a? y }.", "y ."}, Expansion{"$(a?(y):(n))", "(y):(n)"},
        Expansion{"${a?y${empty:no}}", "yno"}, Expansion{"${{07} == {7}?{y}:{n}}", "y"},
        Expansion{"$nobody_knows_me.", "."}, Expansion{"$", "error: empty macro name: \"$\""},
        Expansion{"q${a", "error: truncated macro reference: \"q${a\""},
        Expansion{"q${a!}r", "error: attribute name syntax error at: \"...a>>>!\""},
        Expansion{"${a?{y}{n}} z", "error: \":\" expected at: \"...a?{y}>>>{n}\""},
        Expansion{"${{$a} != {1} ? {y} : {n}}", "n"}, Expansion{"${{$a} != {2} ? {y} : {n}}", "y"},
        Expansion{"${{9} <= {10} ? {y} : {n}}", "y"}, Expansion{"${{10} <= {10} ? {y} : {n}}", "y"},
        Expansion{"${{a10} <= {a9} ? {y} : {n}}", "y"}, Expansion{"${{10} >= {9} ? {y} : {n}}", "y"},
        Expansion{"${{8} >= {9} ? {y} : {n}}", "n"}, Expansion{"${{10} > {9} ? {y} : {n}}", "y"},
        Expansion{"${{9} > {9} ? {y} : {n}}", "n"}, Expansion{"${{b} > {a} ? {y} : {n}}", "y"},
        Expansion{"${{3.9} ==level {3.9.0} ? {y} : {n}}", "y"},
        Expansion{"${{3.9} !=level {3.10} ? {y} : {n}}", "y"},
        Expansion{"${{3.9} <=level {3.9} ? {y} : {n}}", "y"},
        Expansion{"${{3.10} >=level {3.9} ? {y} : {n}}", "y"},
        Expansion{"${{4} <level {3.10} ? {y} : {n}}", "n"}, Expansion{"${{-1} < {0} ? {y} : {n}}", "y"},
        Expansion{"${{} < {1} ? {y} : {n}}", "y"}, Expansion{"${{1k} > {2} ? {y} : {n}}", "n"},
        Expansion{"${{abc} <level {3} ?{y}:{n}}", "error: malformed compatibility level syntax: \"abc\""}));

TEST(MainCf, RecursionEnds) {
  MainCf main_cf = parsed("a = $b\nb = $a\nc = $c$c\n");
  EXPECT_FALSE(main_cf.expand("$a"));
  EXPECT_FALSE(main_cf.expand("$c"));
}

TEST(MainCf, HostNameWithoutDotGetsADomain) {
  EXPECT_EQ(parsed("", {.name = "mx"}).value("myhostname"), "mx.localdomain");
  EXPECT_EQ(parsed("mydomain = example.com\n", {.name = "mx"}).value("myhostname"), "mx.example.com");
  EXPECT_EQ(parsed("", {.name = "mx.example.org"}).value("mydomain"), "example.org");
}

TEST(MainCf, MynetworksFollowsStyleAndInterfaces) {
  Host host{
      .name = "mx",
      .interfaces = {
          {"127.0.0.1", 8, false}, {"192.0.2.7", 24, false}, {"::1", 128, true}, {"fd00::7", 64, true}}};
  EXPECT_EQ(parsed("", host).value("mynetworks"), "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fd00::]/64");
  EXPECT_EQ(parsed("compatibility_level = 3.6\n", host).value("mynetworks"),
            "127.0.0.0/8 192.0.2.7/32 [::1]/128 [fd00::7]/128");
  EXPECT_EQ(parsed("inet_interfaces = loopback-only\ninet_protocols = ipv4\n", host).value("mynetworks"),
            "127.0.0.0/8");
}

}  // namespace
}  // namespace posthouse::config
