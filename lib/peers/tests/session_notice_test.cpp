#include "lib/peers/session_notice.h"

#include <gtest/gtest.h>

namespace posthouse::peers {
namespace {

SessionNoticeRules rules_of(std::string text) {
  auto main_cf = config::MainCf::parse(
      "myhostname = mx.example.test\nmyorigin = example.test\n" + std::move(text), "main.cf");
  EXPECT_TRUE(main_cf.has_value());
  auto rules = load_session_notice_rules(*main_cf);
  EXPECT_TRUE(rules.has_value());
  return *rules;
}

SessionNotice notice_of(const protocol::Transcript& transcript, unsigned classes) {
  return {.classes = classes,
          .subject = "SMTP client: errors from a[192.0.2.1]:25",
          .opening = "Unexpected response from a[192.0.2.1]:25.",
          .ending = {},
          .transcript = transcript};
}

TEST(SessionNotice, IsAMailToThePostmaster) {
  protocol::Transcript transcript;
  transcript.received("500 what");
  const auto rules = rules_of("notify_classes = protocol\n");
  const auto mail = compose(notice_of(transcript, trouble::kProtocol), rules, Time{});
  ASSERT_TRUE(mail.has_value());
  EXPECT_EQ(mail->sender, "double-bounce@mx.example.test");
  EXPECT_EQ(mail->recipient, "postmaster");
  EXPECT_FALSE(mail->is_filtered);
  EXPECT_EQ(
      mail->content.substr(mail->content.find('\n') + 1),
      "From: Mail Delivery System <MAILER-DAEMON@mx.example.test>\nTo: Postmaster <postmaster>\n"
      "Subject: Posthouse SMTP client: errors from a[192.0.2.1]:25\n\n"
      "Unexpected response from a[192.0.2.1]:25.\n\nTranscript of session follows.\n\n In:  500 what\n\n"
      "For other details, see the local mail logfile\n");
  EXPECT_TRUE(mail->content.starts_with("Date: "));
}

TEST(SessionNotice, GoesToTheRecipientOfItsClass) {
  const protocol::Transcript transcript;
  const auto rules = rules_of(
      "notify_classes = Bounce, POLICY, delay\nbounce_notice_recipient = b@x.test\n"
      "error_notice_recipient = e@x.test\ninternal_mail_filter_classes = notify\n");
  const auto recipient = [&](unsigned classes) {
    const auto mail = compose(notice_of(transcript, classes), rules, Time{});
    return mail ? mail->recipient : "nobody";
  };
  EXPECT_EQ(recipient(trouble::kPolicy), "e@x.test");
  EXPECT_EQ(recipient(trouble::kBounce), "b@x.test");
  EXPECT_EQ(recipient(trouble::kBounce | trouble::kPolicy), "b@x.test");
  EXPECT_EQ(recipient(trouble::kProtocol | trouble::kResource), "nobody");
  EXPECT_TRUE(compose(notice_of(transcript, trouble::kPolicy), rules, Time{})->is_filtered);
}

TEST(SessionNotice, ByDefaultTellsOfOurOwnTroubleOnly) {
  EXPECT_EQ(rules_of("").classes, trouble::kResource | trouble::kSoftware);
  EXPECT_EQ(rules_of("notify_classes =\n").classes, trouble::kNone);
}

}  // namespace
}  // namespace posthouse::peers
