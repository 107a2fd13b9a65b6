#include <gtest/gtest.h>

#include <utility>

#include "lib/protocol/smtp_client_capabilities.h"
#include "lib/protocol/smtp_client_commands.h"
#include "lib/protocol/smtp_client_content.h"

namespace posthouse::protocol {
namespace {

Capabilities parse(std::string text, std::vector<std::string> discard = {}) {
  return parse_capabilities(Reply{.code = 250, .dsn = {}, .text = std::move(text)}, discard);
}

TEST(Capabilities, KeepsWhatTheClientUses) {
  auto found = parse(
      "250-mx.test hello\n250-pipelining\n250-SIZE 1000\n250-8BITMIME\n250-DSN\n250-STARTTLS\n"
      "250-AUTH plain LOGIN\n250-XFORWARD NAME addr\n250-X\n250 SMTPUTF8");
  EXPECT_TRUE(found.esmtp && found.pipelining && found.eight_bit_mime && found.dsn && found.starttls &&
              found.smtputf8);
  EXPECT_FALSE(found.chunking);
  EXPECT_EQ(found.size, 1000u);
  EXPECT_EQ(found.server_name, "mx.test");
  EXPECT_EQ(found.auth, (std::vector<std::string>{"PLAIN", "LOGIN"}));
  EXPECT_EQ(found.xforward, (std::vector<std::string>{"NAME", "ADDR"}));
}

TEST(Capabilities, TheFirstLineIsAName) {
  auto found = parse("250-PIPELINING\n250 SIZE");
  EXPECT_FALSE(found.pipelining);
  EXPECT_EQ(found.size, 0u);
  EXPECT_EQ(parse("250").server_name, "");
}

TEST(Capabilities, IgnoresBadParametersAndDiscardedKeywords) {
  EXPECT_EQ(parse("250-a\n250 SIZE 99999999999999999999999").size, 0u);
  EXPECT_EQ(parse("250-a\n250 SIZE -1").size, 0u);
  EXPECT_FALSE(parse("250-a\n250 DSN", {"dsn"}).dsn);
  EXPECT_EQ(parse("250-a\n250-AUTH=LOGIN X\n250 AUTH PLAIN").auth,
            (std::vector<std::string>{"LOGIN", "X", "PLAIN"}));
}

std::string mail(MailCommand command) {
  std::string out;
  append_mail(out, command);
  return out;
}
std::string rcpt(RcptCommand command) {
  std::string out;
  append_rcpt(out, command);
  return out;
}

TEST(ClientCommands, MailCarriesOnlyWhatIsAsked) {
  EXPECT_EQ(mail({}), "MAIL FROM:<>\r\n");
  EXPECT_EQ(mail({.sender = "a@b",
                  .size = 10,
                  .body = "8BITMIME",
                  .ret_flags = 2,
                  .envelope_id = "i+d",
                  .null_auth = true,
                  .smtputf8 = true}),
            "MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=i+2Bd AUTH=<> SMTPUTF8\r\n");
}

TEST(ClientCommands, RcptEncodesTheOriginalRecipient) {
  EXPECT_EQ(rcpt({.recipient = "a@b"}), "RCPT TO:<a@b>\r\n");
  EXPECT_EQ(rcpt({.recipient = "a@b", .notify_flags = 6, .original_recipient = "rfc822;a+b=c@d"}),
            "RCPT TO:<a@b> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb+3Dc@d\r\n");
  EXPECT_EQ(rcpt({.recipient = "a@b", .notify_flags = 1}), "RCPT TO:<a@b> NOTIFY=NEVER\r\n");
}

TEST(ClientCommands, ControlsNeverReachTheWire) {
  EXPECT_EQ(rcpt({.recipient = "a\r\nDATA\r\n@b", .original_recipient = "rfc822\r\n;x\ny"}),
            "RCPT TO:<a??DATA??@b> ORCPT=rfc822??;x+0Ay\r\n");
  std::string out;
  append_line(out, "EHLO", "a\nb");
  EXPECT_EQ(out, "EHLO a?b\r\n");
}

TEST(ClientCommands, XforwardValues) {
  std::string out = "XFORWARD";
  append_xforward_attribute(out, "NAME", "mx a");
  append_xforward_attribute(out, "HELO", "");
  EXPECT_EQ(out, "XFORWARD NAME=mx+20a HELO=[UNAVAILABLE]");
}

std::string content(const std::vector<std::pair<std::string_view, bool>>& pieces, std::size_t limit = 998) {
  std::string out;
  ContentWriter writer(out, limit);
  for (auto [piece, ends] : pieces) writer.add(piece, ends);
  writer.finish();
  return out;
}

TEST(ContentWriter, DoublesDotsAtTheStartOfALineOnly) {
  EXPECT_EQ(content({{".", true}, {"..a", true}, {"a.", false}, {".b", true}, {"", true}}),
            "..\r\n...a\r\na..b\r\n\r\n.\r\n");
  EXPECT_EQ(content({{"", false}, {".x", true}}), "..x\r\n.\r\n");
}

TEST(ContentWriter, EndsAnUnfinishedLine) {
  EXPECT_EQ(content({{"a", false}}), "a\r\n.\r\n");
  EXPECT_EQ(content({}), ".\r\n");
}

TEST(ContentWriter, BreaksLongLines) {
  EXPECT_EQ(content({{"abcdefgh", true}}, 4), "abcd\r\n efg\r\n h\r\n.\r\n");
  EXPECT_EQ(content({{"ab", false}, {"cd", true}}, 4), "abcd\r\n.\r\n");
  EXPECT_EQ(content({{"ab", false}, {"cde", true}}, 4), "abcd\r\n e\r\n.\r\n");
  EXPECT_EQ(content({{"abcdefgh", true}}, 0), "abcdefgh\r\n.\r\n");
  EXPECT_EQ(content({{"abc", true}}, 1), "a\r\n b\r\n c\r\n.\r\n");
}

TEST(ContentWriter, NoStoredByteCanEndTheMessage) {
  EXPECT_EQ(content({{"a\r\n.\r\nQUIT", true}, {"\n.", true}}), "a  .  QUIT\r\n .\r\n.\r\n");
}

TEST(Capabilities, DiscardedNames) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(discarded_names(Words{"dsn", "other", "SIZE"}), "SIZE DSN");
  EXPECT_EQ(discarded_names(Words{"dsn", "Silent-Discard"}), "");
  EXPECT_EQ(discarded_names(Words{"other"}), "");
}

}  // namespace
}  // namespace posthouse::protocol
