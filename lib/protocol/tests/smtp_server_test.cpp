#include <gtest/gtest.h>

#include "lib/protocol/policy.h"
#include "lib/protocol/smtp_command.h"
#include "lib/protocol/smtp_data.h"
#include "lib/protocol/smtp_line.h"

namespace posthouse::protocol {
namespace {

struct Content {
  std::string text, rest;
  bool is_finished = false, has_bare_lf = false;
};

// Offers the input in pieces of `step` bytes, as a network would.
Content read_all(std::string_view input, EndOfData rule, std::size_t step) {
  SmtpDataReader reader(rule);
  Content content;
  std::string pending;
  for (std::size_t at = 0; at < input.size() || !pending.empty(); at += step) {
    if (at < input.size()) pending += input.substr(at, step);
    pending.erase(0, reader.feed(pending, content.text));
    if (reader.is_finished() || at >= input.size()) {
      if (at < input.size() && at + step < input.size()) pending += input.substr(at + step);
      break;
    }
  }
  return {content.text, pending, reader.is_finished(), reader.has_bare_lf()};
}

TEST(SmtpDataReader, GivesTheSameForEverySplitting) {
  const std::string input = "a\r\n..b\r\n.c\r\n\r\nd\re\r\n.\r\nQUIT\r\n";
  for (std::size_t step = 1; step <= input.size(); ++step) {
    const Content content = read_all(input, EndOfData::strict, step);
    EXPECT_TRUE(content.is_finished) << step;
    EXPECT_EQ(content.text, "a\n.b\nc\n\nd\re\n") << step;
    EXPECT_EQ(content.rest, "QUIT\r\n") << step;
    EXPECT_FALSE(content.has_bare_lf);
  }
}

TEST(SmtpDataReader, OnlyTheStandardSequenceEndsAStrictMessage) {
  for (const std::string_view end :
       {"\n.\n", "\n.\r\n", "\r\n.\n", "\r\n.\r\r\n", "\r.\r", "\r\r\n.\r\r\n", "\n.\r", "\r.\r\n"}) {
    for (std::size_t step = 1; step < 8; ++step) {
      const Content content =
          read_all("x" + std::string(end) + "MAIL FROM:<a@b>\r\n", EndOfData::strict, step);
      EXPECT_FALSE(content.is_finished) << testing::PrintToString(end);
    }
  }
}

TEST(SmtpDataReader, AStrictMessageEndsAfterALineWithSurplusCr) {
  const Content content = read_all("x\r\r\n.\r\n", EndOfData::strict, 1);
  EXPECT_TRUE(content.is_finished);
  EXPECT_EQ(content.text, "x\r\n");
}

TEST(SmtpDataReader, LenientRulesTakeBareLineFeeds) {
  for (const std::string_view end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r\n.\r\n"}) {
    const Content content = read_all("x" + std::string(end) + "Y", EndOfData::lenient, 1);
    EXPECT_TRUE(content.is_finished) << testing::PrintToString(end);
    EXPECT_EQ(content.rest, "Y");
  }
}

TEST(SmtpDataReader, AnEmptyMessageIsADotAtOnce) {
  const Content content = read_all(".\r\n", EndOfData::strict, 1);
  EXPECT_TRUE(content.is_finished);
  EXPECT_EQ(content.text, "");
}

TEST(SmtpLineReader, FindsLinesAndTellsBareLineFeeds) {
  SmtpLineReader reader(100);
  std::size_t used = 0;
  EXPECT_FALSE(reader.next("EHLO", used));
  EXPECT_EQ(used, 0u);
  auto line = reader.next("EHLO x\r\nNOOP", used);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text, "EHLO x");
  EXPECT_EQ(used, 8u);
  EXPECT_FALSE(line->has_bare_lf);
  line = reader.next("NOOP\n", used);
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->has_bare_lf);
}

TEST(SmtpLineReader, CutsAnOverlongLineAndSkipsItsRest) {
  SmtpLineReader reader(10);
  std::size_t used = 0;
  const std::string first(50, 'x');
  auto line = reader.next(first, used);
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->is_too_long);
  EXPECT_EQ(line->text.size(), 10u);
  EXPECT_EQ(used, 50u);
  EXPECT_FALSE(reader.next(first, used));
  EXPECT_EQ(used, 50u);
  EXPECT_EQ(reader.skipped(), 90u);
  line = reader.next("yyy\r\nNOOP\r\n", used);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text, "NOOP");
  EXPECT_EQ(used, 11u);
}

TEST(SmtpCommand, KeepsQuotedAndBracketedWordsWhole) {
  SmtpCommand command;
  command.parse("MAIL FROM: <\"a b\"@c d> SIZE=1  BODY=8BITMIME");
  EXPECT_EQ(command.verb(), "MAIL");
  std::string_view path;
  std::size_t first = 0;
  ASSERT_TRUE(command.take_path("FROM:", path, first));
  EXPECT_EQ(path, "<\"a b\"@c d>");
  EXPECT_EQ(first, 2u);
  EXPECT_EQ(command.arguments().size(), 4u);
  EXPECT_FALSE(command.take_path("TO:", path, first));
  command.parse("MAIL FROM:");
  EXPECT_FALSE(command.take_path("FROM:", path, first));
}

TEST(Policy, RequestsCannotBeSplitByValues) {
  PolicyRequest request;
  request.add("sender", "a\nrecipient=b");
  request.add("size", std::uint64_t{3});
  EXPECT_EQ(std::move(request).finish(), "sender=a recipient=b\nsize=3\n\n");
}

TEST(Policy, ReadsTheActionOfACompleteReply) {
  std::size_t used = 0;
  EXPECT_FALSE(parse_policy_reply("action=DUNNO\n", used)->has_value());
  auto reply = parse_policy_reply("action=REJECT no thanks\n\nmore", used);
  ASSERT_TRUE(reply && *reply);
  EXPECT_EQ(**reply, "REJECT no thanks");
  EXPECT_EQ(used, 25u);
  EXPECT_FALSE(parse_policy_reply("hello\n\n", used));
  EXPECT_FALSE(parse_policy_reply("x=y\n\n", used));
}

}  // namespace
}  // namespace posthouse::protocol
