#include "bounce/notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "bounce/notifier.h"
#include "lib/base/text.h"

namespace posthouse::bounce {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ipc::DeliveryRecord record(const std::string& address, std::string reason, std::uint32_t notify = 0) {
  ipc::DeliveryRecord result;
  result.recipient = {.offset = 1,
                      .original = address,
                      .address = address,
                      .dsn_original = "rfc822;" + address,
                      .notify = notify};
  result.status = "5.1.1";
  result.action = "failed";
  result.reason = std::move(reason);
  return result;
}

Original original() {
  Original text;
  text.arrival = time_from_unix(1'795'329'533);
  text.text = "Subject: hi\nMessage-ID: <m@x>\n\nbody\n";
  text.is_complete = true;
  text.message_id = "<m@x>";
  return text;
}

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    rules_.reporter = {"mx.test", "origin.test"};
    rules_.double_bounce_sender = "double-bounce@mx.test";
    rules_.bounce_recipient = "bounces";
    rules_.double_bounce_recipient = "double";
    rules_.delay_recipient = "delays";
    rules_.queue_lifetime = std::chrono::hours(120);
    rules_.templates = built_in_templates();
    for (Template& one : rules_.templates) one.text = "Explanation.\n";
    message_.queue_id = "ABC123";
    message_.sender = "s@virt.test";
  }
  Notifier notifier() {
    return Notifier(
        rules_,
        [this](const peers::Outgoing& mail) -> Result<std::string> {
          if (refuses_) return fail(Failure::deferred("4.3.0", "no space"));
          sent_.push_back(mail);
          return "NEW" + std::to_string(sent_.size());
        },
        [this](const std::string& line, bool is_warning) {
          log_.push_back((is_warning ? "warning: " : "") + line);
        },
        clock_);
  }

  FakeClock clock_{time_from_unix(1'795'329'540)};
  Rules rules_;
  ipc::BounceMessage message_;
  Original original_ = original();
  bool refuses_ = false;
  std::vector<peers::Outgoing> sent_;
  std::vector<std::string> log_;
};

TEST_F(NotifierTest, WritesANonDeliveryNotice) {
  message_.envelope_id = "abc+def";
  ipc::DeliveryRecord one = record(
      "rej@sink.test",
      "host 127.0.0.1[127.0.0.1] said: 550-5.1.1 no 550 5.1.1 such user (in reply to RCPT TO command)");
  one.diag_type = "smtp";
  one.diag_text = "550-5.1.1 no 550 5.1.1 such user";
  one.mta_type = "dns";
  one.mta_name = "127.0.0.1";
  ASSERT_TRUE(notifier().failure(message_, {one}, &original_));
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].sender, "");
  EXPECT_EQ(sent_[0].recipient, "s@virt.test");
  EXPECT_THAT(log_, ElementsAre("ABC123: sender non-delivery notification: NEW1"));
  EXPECT_EQ(sent_[0].content,
            "Date: Sun, 22 Nov 2026 06:39:00 +0000 (UTC)\n"
            "From: Mail Delivery System <MAILER-DAEMON@origin.test>\n"
            "Subject: Undelivered Mail Returned to Sender\n"
            "To: s@virt.test\n"
            "Auto-Submitted: auto-replied\n"
            "MIME-Version: 1.0\n"
            "Content-Type: multipart/report; report-type=delivery-status;\n"
            "\tboundary=\"ABC123.1795329540/mx.test\"\n"
            "Content-Transfer-Encoding: 8bit\n"
            "\n"
            "This is a MIME-encapsulated message.\n"
            "\n"
            "--ABC123.1795329540/mx.test\n"
            "Content-Description: Notification\n"
            "Content-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n"
            "\n"
            "Explanation.\n"
            "\n"
            "<rej@sink.test>: host 127.0.0.1[127.0.0.1] said: 550-5.1.1 no 550 5.1.1 such\n"
            "    user (in reply to RCPT TO command)\n"
            "\n"
            "--ABC123.1795329540/mx.test\n"
            "Content-Description: Delivery report\n"
            "Content-Type: message/delivery-status\n"
            "\n"
            "Reporting-MTA: dns; mx.test\n"
            "Original-Envelope-Id: abc+def\n"
            "X-Postfix-Queue-ID: ABC123\n"
            "X-Postfix-Sender: rfc822; s@virt.test\n"
            "Arrival-Date: Sun, 22 Nov 2026 06:38:53 +0000 (UTC)\n"
            "\n"
            "Final-Recipient: rfc822; rej@sink.test\n"
            "Original-Recipient: rfc822;rej@sink.test\n"
            "Action: failed\n"
            "Status: 5.1.1\n"
            "Remote-MTA: dns; 127.0.0.1\n"
            "Diagnostic-Code: smtp; 550-5.1.1 no 550 5.1.1 such user\n"
            "\n"
            "--ABC123.1795329540/mx.test\n"
            "Content-Description: Undelivered Message\n"
            "Content-Type: message/rfc822\n"
            "Content-Transfer-Encoding: 8bit\n"
            "\n"
            "Return-Path: <s@virt.test>\n"
            "Subject: hi\n"
            "Message-ID: <m@x>\n"
            "\n"
            "body\n"
            "\n"
            "--ABC123.1795329540/mx.test--\n");
}

TEST_F(NotifierTest, ReturnsHeadersOnlyWhenAskedOrTooLarge) {
  message_.ret_flags = 2;
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_THAT(sent_[0].content,
              HasSubstr("Undelivered Message Headers\nContent-Type: text/rfc822-headers\n"));
  EXPECT_THAT(sent_[0].content, Not(HasSubstr("\nbody\n")));
  message_.ret_flags = 0;
  original_.is_complete = false;
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_THAT(sent_[1].content, HasSubstr("text/rfc822-headers"));
}

TEST_F(NotifierTest, LeavesOutRecipientsThatWantNoNotice) {
  ASSERT_TRUE(
      notifier().failure(message_, {record("a@b.test", "x", 1), record("c@d.test", "y", 2)}, &original_));
  EXPECT_THAT(sent_, IsEmpty());
  ASSERT_TRUE(
      notifier().failure(message_, {record("a@b.test", "x", 1), record("c@d.test", "y", 4)}, &original_));
  EXPECT_THAT(sent_.at(0).content, Not(HasSubstr("a@b.test")));
  EXPECT_THAT(sent_.at(0).content, HasSubstr("c@d.test"));
}

TEST_F(NotifierTest, CopiesThePostmasterWhenAsked) {
  rules_.notify_classes = {"bounce"};
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[1].sender, "double-bounce@mx.test");
  EXPECT_EQ(sent_[1].recipient, "bounces");
  EXPECT_THAT(
      sent_[1].content,
      HasSubstr("Subject: Postmaster Copy: Undelivered Mail\nTo: bounces\nAuto-Submitted: auto-generated\n"));
  EXPECT_THAT(sent_[1].content, HasSubstr("8bit\n\n\n<a@b.test>: x\n"));
  EXPECT_THAT(sent_[1].content, HasSubstr("text/rfc822-headers"));
  EXPECT_EQ(log_[1], "ABC123: postmaster non-delivery notification: NEW2");
}

TEST_F(NotifierTest, UndeliverableNoticesGoToThePostmasterOrNowhere) {
  message_.sender.clear();
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_THAT(sent_, IsEmpty());
  rules_.notify_classes = {"bounce"};  // implies 2bounce
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_EQ(sent_.at(0).recipient, "double");
  sent_.clear();
  rules_.notify_classes = {"2bounce"};
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_EQ(sent_.at(0).recipient, "double");
  EXPECT_THAT(sent_[0].content, HasSubstr("X-Postfix-Sender: rfc822; MAILER-DAEMON@mx.test\n"));
  EXPECT_THAT(sent_[0].content, HasSubstr("Return-Path: <MAILER-DAEMON@mx.test>\n"));
  message_.sender = "double-bounce@mx.test";
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_EQ(sent_.size(), 1u);
  EXPECT_EQ(log_.back(), "warning: ABC123: undeliverable postmaster notification discarded");
}

TEST_F(NotifierTest, ANoticeThatCannotBeQueuedIsAFailure) {
  refuses_ = true;
  EXPECT_FALSE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_THAT(log_, ElementsAre("warning: ABC123: sender notification failed to s@virt.test: no space"));
}

TEST_F(NotifierTest, ExpiredDeferralsAreFailures) {
  ipc::DeliveryRecord late = record("a@b.test", "later");
  late.action = "delayed";
  late.status = "4.4.1";
  ASSERT_TRUE(notifier().failure(message_, {late}, &original_));
  EXPECT_THAT(sent_.at(0).content, HasSubstr("Action: failed\nStatus: 4.4.1\n"));
}

TEST_F(NotifierTest, WarnsOfADelay) {
  ipc::DeliveryRecord late = record("a@b.test", "later");
  late.action = "delayed";
  rules_.notify_classes = {"delay"};
  ASSERT_TRUE(notifier().delay(message_, {late}, &original_));
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_THAT(sent_[0].content, HasSubstr("Subject: Delayed Mail (still being retried)\n"));
  EXPECT_THAT(sent_[0].content, HasSubstr("Action: delayed\n"));
  EXPECT_THAT(sent_[0].content, HasSubstr("Will-Retry-Until: Fri, 27 Nov 2026 06:38:53 +0000 (UTC)\n"));
  EXPECT_THAT(sent_[0].content, HasSubstr("Undelivered Message Headers"));
  EXPECT_EQ(sent_[1].recipient, "delays");
  EXPECT_THAT(log_, ElementsAre("ABC123: sender delay notification: NEW1",
                                "ABC123: postmaster delay notification: NEW2"));
}

TEST_F(NotifierTest, ReportsSuccessAndVerification) {
  ipc::DeliveryRecord good = record("a@b.test", "delivery via virtual: delivered to maildir", 2);
  good.action = "delivered";
  good.status = "2.0.0";
  ASSERT_TRUE(notifier().trace(message_, {good}, &original_));
  EXPECT_THAT(sent_.at(0).content, HasSubstr("Subject: Successful Mail Delivery Report\n"));
  EXPECT_THAT(sent_[0].content, HasSubstr("Content-Description: Message Headers\n"));
  good.action = "deliverable";
  ASSERT_TRUE(notifier().trace(message_, {good}, &original_));
  EXPECT_THAT(sent_.at(1).content, HasSubstr("Subject: Mail Delivery Status Report\n"));
  EXPECT_EQ(log_[1], "ABC123: sender delivery status notification: NEW2");
}

TEST_F(NotifierTest, SendsOneNoticePerRecipientWithVerp) {
  message_.verp_delimiters = "+=";
  message_.sender = "owner-list@lists.test";
  ASSERT_TRUE(notifier().failure(message_, {record("u@a.test", "x"), record("v@b.test", "y")}, &original_));
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[0].recipient, "owner-list+u=a.test@lists.test");
  EXPECT_EQ(sent_[1].recipient, "owner-list+v=b.test@lists.test");
  EXPECT_THAT(sent_[0].content, Not(HasSubstr("v@b.test")));
}

TEST_F(NotifierTest, ThreadsWhenAsked) {
  rules_.is_threaded = true;
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, &original_));
  EXPECT_THAT(sent_.at(0).content, HasSubstr("References: <m@x>\nIn-Reply-To: <m@x>\n"));
}

TEST_F(NotifierTest, InternationalAddressesUseTheGlobalForms) {
  ASSERT_TRUE(notifier().failure(message_, {record("b\xc3\xa4r@b.test", "x")}, &original_));
  const std::string& content = sent_.at(0).content;
  EXPECT_THAT(content, HasSubstr("report-type=global-delivery-status;"));
  EXPECT_THAT(content, HasSubstr("Content-Type: message/global-delivery-status\n"));
  EXPECT_THAT(content, HasSubstr("Final-Recipient: utf-8; b\xc3\xa4r@b.test\n"));
  EXPECT_THAT(content, HasSubstr("Content-Type: message/global\n"));
}

TEST_F(NotifierTest, AMessageThatCannotBeReadIsStillReported) {
  ASSERT_TRUE(notifier().failure(message_, {record("a@b.test", "x")}, nullptr));
  EXPECT_THAT(sent_.at(0).content, HasSubstr("Final-Recipient: rfc822; a@b.test\n"));
  EXPECT_THAT(sent_.at(0).content, Not(HasSubstr("Undelivered Message")));
}

TEST(OriginalHeaders, AreFoundByName) {
  const std::string_view text = "A: 1\nMessage-Id:  <x@y>\n\tmore\nB: 2\n\nMessage-Id: no\n";
  EXPECT_EQ(header_value(headers_of(text), "message-id"), "<x@y> more");
  EXPECT_EQ(header_value(headers_of(text), "C"), "");
  EXPECT_EQ(headers_of("\nbody"), "");
}

}  // namespace
}  // namespace posthouse::bounce
