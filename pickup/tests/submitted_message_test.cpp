#include "pickup/submitted_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/queuefile/content_reader.h"
#include "lib/queuefile/fault_file_system.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::pickup {
namespace {

using queuefile::RecordType;

class SubmittedMessageTest : public testing::Test {
 protected:
  void add(char type, std::string_view data) {
    queuefile::append_record(bytes_, static_cast<RecordType>(type), data);
  }
  void add_content() {
    add('M', "");
    add('N', "Subject: x");
    add('N', "");
    add('L', "body");
    add('X', "");
  }
  queuefile::File& file() {
    file_ = std::move(*files_.create("maildrop/A", 0744));
    EXPECT_TRUE(file_->write_at(bytes_, 0));
    return *file_;
  }
  static std::string names(const std::vector<ipc::Attribute>& attributes) {
    std::string text;
    for (const auto& one : attributes) text += one.name + "=" + one.value + " ";
    return text;
  }

  std::string bytes_;
  queuefile::FaultFileSystem files_;
  std::unique_ptr<queuefile::File> file_;
};

TEST_F(SubmittedMessageTest, FromAUser) {
  add('T', "1795328851 722641");
  add('A', "rewrite_context=local");
  add('A', "log_client_name=forged");
  add('F', "Full Name");
  add('S', "s@virt.test");
  add('A', "trace_flags=1024");
  add('V', "+=");
  add('A', "notify_flags=12");
  add('R', "a@virt.test");
  add('R', "b@virt.test");
  add_content();
  add('A', "notify_flags=1");
  add('R', "c@virt.test");
  add('E', "");
  SubmittedMessage message(file(), false);
  ASSERT_TRUE(message.read_envelope());
  EXPECT_EQ(message.open().full_name, "Full Name");
  EXPECT_EQ(message.open().verp_delimiters, "+=");
  EXPECT_EQ(names(message.open().attributes), "rewrite_context=local ");
  EXPECT_EQ(names(message.open().late_attributes), "trace_flags=1024 ");
  auto recipients = message.take_recipients();
  ASSERT_EQ(recipients.size(), 2u);
  EXPECT_EQ(recipients[0].notify, 12u);
  EXPECT_EQ(recipients[1].notify, 0u);
  EXPECT_EQ(recipients[1].original, "b@virt.test");
  queuefile::ContentReader content(*file_, message.content_offset());
  std::string text;
  EXPECT_FALSE(*content.append_lines(text, 1000, {.line_end = "\n"}));
  EXPECT_EQ(text, "Subject: x\n\nbody\n");
  ASSERT_TRUE(message.read_extracted(content.position()));
  recipients = message.take_recipients();
  ASSERT_EQ(recipients.size(), 1u);
  EXPECT_EQ(recipients[0].notify, 1u);
}

TEST_F(SubmittedMessageTest, RequeuedKeepsItsHistoryButNotItsClock) {
  queuefile::SizeRecord size{10, 100, 2, 0, 10, queuefile::kSmtpUtf8Requested};
  add('C', size.payload());
  add('T', "1795328851 722641");
  add('A', "create_time=1795328851");
  add('L', "smtp:[x]");
  add('A', "log_ident=OLD");
  add('A', "rewrite_context=remote");
  add('S', "s@virt.test");
  add('A', "log_client_name=localhost");
  add('W', "     1795542462");
  add('A', "dsn_orig_rcpt=rfc822;done@x.test");
  add('O', "done@x.test");
  add('D', "done@x.test");
  add('O', "orig@x.test");
  add('R', "todo@x.test");
  add_content();
  add('>', "redirected@x.test");
  add('A', "encoding=8bit");
  add('O', "bcc@x.test");
  add('R', "bcc@x.test");
  add('E', "");
  SubmittedMessage message(file(), true);
  ASSERT_TRUE(message.read_envelope());
  EXPECT_EQ(names(message.open().attributes), "log_ident=OLD rewrite_context=remote ");
  EXPECT_EQ(names(message.open().late_attributes), "log_client_name=localhost ");
  EXPECT_EQ(message.open().filter, "");
  EXPECT_EQ(message.open().flags, ipc::cleanup_flag::kSmtpUtf8);
  const auto recipients = message.take_recipients();
  ASSERT_EQ(recipients.size(), 1u);
  EXPECT_EQ(recipients[0].address, "todo@x.test");
  EXPECT_EQ(recipients[0].original, "orig@x.test");
  EXPECT_EQ(recipients[0].dsn_original, "");
}

TEST_F(SubmittedMessageTest, UsersMayNotUseTheRecordsOfQueueFiles) {
  add('T', "1795328851 722641");
  add('p', "              0");
  SubmittedMessage message(file(), false);
  const auto done = message.read_envelope();
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is_permanent());
  EXPECT_EQ(done.error().text, "unexpected record type: 112");
}

}  // namespace
}  // namespace posthouse::pickup
