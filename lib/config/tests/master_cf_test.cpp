#include "lib/config/master_cf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthouse::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

MasterEntry only(std::string_view text) {
  auto file = parse_master_cf(text, "master.cf");
  EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().front());
  EXPECT_EQ(file->entries.size(), 1u);
  return file->entries.front();
}

std::string error(std::string_view text) {
  auto file = parse_master_cf(text, "master.cf");
  return file ? "no error" : file.error().front();
}

TEST(MasterCf, ReadsAllColumns) {
  const MasterEntry entry = only("127.0.0.1:smtp inet n - y 60? 20 smtpd -v\n");
  EXPECT_EQ(entry.name, "127.0.0.1:smtp");
  EXPECT_EQ(entry.type, ServiceType::inet);
  EXPECT_EQ(entry.is_private, false);
  EXPECT_EQ(entry.is_unprivileged, std::nullopt);
  EXPECT_EQ(entry.is_chrooted, true);
  EXPECT_EQ(entry.wakeup, 60);
  EXPECT_TRUE(entry.wakes_only_when_used);
  EXPECT_EQ(entry.process_limit, 20);
  EXPECT_EQ(entry.command, "smtpd");
  EXPECT_THAT(entry.arguments, ElementsAre("-v"));
  EXPECT_EQ(entry.line, 1);
}

TEST(MasterCf, KnowsEveryType) {
  for (const std::string type : {"inet", "unix", "unix-dgram", "fifo", "pass"}) {
    const MasterEntry entry = only("25 " + type + " n - - - - x");
    EXPECT_EQ(name_of(entry.type), type);
  }
}

TEST(MasterCf, ContinuesLinesAcrossComments) {
  const MasterEntry entry = only(
      "# head\n\nsubmission inet n - y - - smtpd\n  -o syslog_name=postfix/submission\n# not this\n"
      "   # nor this\n\n\t-o smtpd_sasl_auth_enable=yes\n");
  EXPECT_THAT(entry.overrides(),
              ElementsAre(Pair("syslog_name", "postfix/submission"), Pair("smtpd_sasl_auth_enable", "yes")));
  EXPECT_EQ(entry.line, 3);
}

TEST(MasterCf, KeepsBlanksInsideBraces) {
  const MasterEntry entry =
      only("x unix - n n - - pipe -o { name =  two  words } argv=cmd { a  b } { {c} d } -oshort=1");
  EXPECT_THAT(entry.arguments,
              ElementsAre("-o", "name=two  words", "argv=cmd", "a  b", "{c} d", "-o", "short=1"));
  EXPECT_EQ(entry.raw_arguments[1], "{ name =  two  words }");
}

TEST(MasterCf, TheLastOfTwoEntriesCounts) {
  const auto file = parse_master_cf("a unix - - - - - one\nb unix - - - - - x\na unix - - - - - two\n", "m");
  ASSERT_TRUE(file);
  ASSERT_EQ(file->entries.size(), 2u);
  EXPECT_EQ(file->entries[0].command, "two");
  EXPECT_THAT(file->warnings.front(), HasSubstr("m:3: duplicate entry"));
}

TEST(MasterCf, SocketPathFollowsTheServiceType) {
  EXPECT_EQ(only("a unix - - - - - x").socket_path(), "private/a");
  EXPECT_EQ(only("a unix n - - - - x").socket_path(), "public/a");
  EXPECT_EQ(only("a fifo n - - - - x").socket_path(), "public/a");
  EXPECT_EQ(only("25 inet n - - - - x").socket_path(), "");
}

TEST(MasterCf, SaysWhereAndWhatWasExpected) {
  EXPECT_EQ(error(" x\n"),
            "master.cf:1: this line starts with white space, but there is no entry before it to continue");
  EXPECT_EQ(error("\na unix - - - - -\n"),
            "master.cf:2: the command column is missing: an entry has eight columns and then arguments");
  EXPECT_THAT(error("a tcp - - - - - x"),
              HasSubstr("master.cf:1: service type column: expected inet, unix, unix-dgram, fifo or pass"));
  EXPECT_THAT(error("a unix maybe - - - - x"),
              HasSubstr("private column: expected \"y\", \"n\" or \"-\", found \"maybe\""));
  EXPECT_THAT(error("a unix - Y - - - x"), HasSubstr("unprivileged column"));
  EXPECT_THAT(error("a unix - - yes - - x"), HasSubstr("chroot column"));
  EXPECT_THAT(error("a unix - - - 5m - x"), HasSubstr("wakeup column: expected seconds"));
  EXPECT_THAT(error("a unix - - - - -1 x"), HasSubstr("process limit column"));
  EXPECT_THAT(error("a unix - - - - - x -o"), HasSubstr("expected name=value after \"-o\""));
  EXPECT_THAT(error("a unix - - - - - x -o abc"), HasSubstr("found \"abc\""));
  EXPECT_THAT(error("a unix - - - - - x { a"), HasSubstr("no matching \"}\""));
  EXPECT_THAT(error("25 inet y - - - - x"), HasSubstr("cannot be private"));
  EXPECT_THAT(error("99999 inet n - - - - x"), HasSubstr("service name column"));
}

TEST(MasterCf, CollectsAllErrors) {
  const auto file = parse_master_cf("a tcp - - - - - x\nb unix - - - - - x\nc unix x - - - - x\n", "m");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().size(), 2u);
}

TEST(InetName, SplitsHostAndPort) {
  const auto parts = [](std::string_view name) {
    const auto parsed = parse_inet_name(name);
    return parsed ? parsed->host + "|" + parsed->port : "bad";
  };
  EXPECT_EQ(parts("25"), "|25");
  EXPECT_EQ(parts("smtp"), "|smtp");
  EXPECT_EQ(parts("127.0.0.1:2525"), "127.0.0.1|2525");
  EXPECT_EQ(parts("[::1]:smtp"), "::1|smtp");
  EXPECT_EQ(parts("::1:smtp"), "::1|smtp");
  EXPECT_EQ(parts("[::1]"), "bad");
  EXPECT_EQ(parts("[::1"), "bad");
  EXPECT_EQ(parts("host:"), "bad");
  EXPECT_EQ(parts(""), "bad");
}

}  // namespace
}  // namespace posthouse::config
