#include "lib/protocol/reply_reader.h"

#include <gtest/gtest.h>

namespace posthouse::protocol {
namespace {

Result<Reply> read(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  auto reply = reader.next();
  if (!reply) return fail(Failure{.text = "incomplete"});
  return *reply;
}

TEST(ReplyReader, WaitsForTheLastByteOfTheLine) {
  ReplyReader reader;
  reader.feed("250 2.1.5 O");
  EXPECT_FALSE(reader.next());
  reader.feed("k\r");
  EXPECT_FALSE(reader.next());
  reader.feed("\n");
  auto reply = reader.next();
  ASSERT_TRUE(reply && *reply);
  EXPECT_EQ((*reply)->text, "250 2.1.5 Ok");
  EXPECT_EQ((*reply)->dsn, "2.1.5");
  EXPECT_FALSE(reader.has_input());
}

TEST(ReplyReader, JoinsTheLinesOfOneReply) {
  auto reply = read("550-5.1.1 no\r\n550 5.1.1 such user\r\n");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "550-5.1.1 no\n550 5.1.1 such user");
  EXPECT_EQ(reply->code, 550);
  EXPECT_EQ(reply->status(), "5.1.1");
  EXPECT_TRUE(reply->is_permanent());
}

TEST(ReplyReader, AsksTheFilterForEachLine) {
  ReplyReader reader({}, [](std::string_view line) -> Result<std::string> {
    if (line == "fail") return fail(Failure::deferred("4.3.0", "no table"));
    return line == "garbage" ? "550-5.1.1 filler" : std::string(line);
  });
  reader.feed("garbage\r\n550 5.1.1 such user\r\n250 b\r\nfail\r\n250 c\r\n");
  EXPECT_EQ(reader.next()->value().text, "550-5.1.1 filler\n550 5.1.1 such user");
  EXPECT_EQ(reader.next()->value().text, "250 b");
  EXPECT_EQ(reader.next()->error().text, "no table");
  EXPECT_FALSE(reader.next());
}

TEST(ReplyReader, SeparatesPipelinedReplies) {
  ReplyReader reader;
  reader.feed("250 a\r\n250-b\r\n250 c\r\n354 d\r\n450");
  EXPECT_EQ(reader.next()->value().text, "250 a");
  EXPECT_EQ(reader.next()->value().text, "250-b\n250 c");
  EXPECT_EQ(reader.next()->value().code, 354);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.has_input());
}

TEST(ReplyReader, NeverReusesAStatusCodeOfAnEarlierLine) {
  EXPECT_EQ(read("550-5.1.1 no\r\n550 plain\r\n")->dsn, "");
  ReplyReader reader;
  reader.feed("550 5.7.1 no\r\n550 plain\r\n");
  EXPECT_EQ(reader.next()->value().dsn, "5.7.1");
  EXPECT_EQ(reader.next()->value().status(), "5.0.0");
}

TEST(ReplyReader, IgnoresAStatusCodeOfAnotherClass) {
  EXPECT_EQ(read("550 4.1.1 x\r\n")->dsn, "");
  EXPECT_EQ(read("250 2.0\r\n")->dsn, "");
  EXPECT_EQ(read("250 2.0.0000 x\r\n")->dsn, "");
  EXPECT_EQ(read("250 2.0.0x\r\n")->dsn, "");
  EXPECT_EQ(read("250 2.0.0\r\n")->dsn, "2.0.0");
  EXPECT_EQ(read("250\r\n")->status(), "2.0.0");
  EXPECT_EQ(read("354 go\r\n")->status(), "4.0.0");
}

TEST(ReplyReader, AcceptsBareLineFeedsAndCodesWithoutText) {
  EXPECT_EQ(read("250 ok\n")->text, "250 ok");
  EXPECT_EQ(read("250\n")->code, 250);
  EXPECT_EQ(read("250-\r\n250\r\n")->text, "250-\n250");
}

TEST(ReplyReader, MalformedRepliesAreSoftErrors) {
  for (std::string_view bytes :
       {"hello\r\n", "\r\n", "25 ok\r\n", "2500 ok\r\n", "150 wait\r\n", "099 x\r\n", "600 x\r\n",
        "250ok\r\n", " 250 ok\r\n", "250-a\r\nb\r\n", "250-a\r\n550 b\r\n"}) {
    auto reply = read(bytes);
    ASSERT_FALSE(reply) << bytes;
    EXPECT_FALSE(reply.error().is_permanent()) << bytes;
    EXPECT_TRUE(reply.error().text.starts_with(kMalformedReply)) << bytes << reply.error().text;
  }
}

TEST(ReplyReader, ReadsNothingAfterAMalformedReply) {
  ReplyReader reader;
  reader.feed("junk\r\n250 ok\r\n");
  EXPECT_FALSE(reader.next()->has_value());
  reader.feed("250 ok\r\n");
  EXPECT_FALSE(reader.next());
}

TEST(ReplyReader, CutsLongLinesAndKeepsInStep) {
  ReplyReader reader;
  reader.feed("250 " + std::string(5000, 'x'));
  reader.feed(std::string(5000, 'x'));
  reader.feed("\r\n550 no\r\n");
  EXPECT_EQ(reader.next()->value().text.size(), 2048u);
  EXPECT_EQ(reader.next()->value().code, 550);
}

TEST(ReplyReader, EndlessTextIsASoftError) {
  ReplyReader reader;
  std::optional<Result<Reply>> reply;
  for (int i = 0; i < 1000 && !reply; ++i) {
    reader.feed(std::string(4096, 'x').replace(0, 4, "250-"));
    reply = reader.next();
  }
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->has_value());

  ReplyReader many;
  reply.reset();
  for (int i = 0; i < 100000 && !reply; ++i) {
    many.feed("250-more\r\n");
    reply = many.next();
  }
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->has_value());
}

}  // namespace
}  // namespace posthouse::protocol
