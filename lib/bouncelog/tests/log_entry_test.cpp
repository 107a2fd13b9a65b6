#include "lib/bouncelog/log_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthouse::bouncelog {
namespace {

ipc::DeliveryRecord sample() {
  ipc::DeliveryRecord record;
  record.recipient = {.offset = 704,
                      .original = "bob@defer.test",
                      .address = "bob@defer.test",
                      .dsn_original = "rfc822;bob@orig.test",
                      .notify = 6};
  record.status = "4.4.1";
  record.action = "delayed";
  record.reason = "connect to 127.0.0.1[127.0.0.1]:1: Connection refused";
  return record;
}

// As observed in the file of another implementation.
constexpr std::string_view kSample =
    "\n<bob@defer.test>: connect to 127.0.0.1[127.0.0.1]:1: Connection "
    "refused\nrecipient=bob@defer.test\noffset=704\n"
    "dsn_orig_rcpt=rfc822;bob@orig.test\nnotify_flags=6\nstatus=4.4.1\naction=delayed\n"
    "reason=connect to 127.0.0.1[127.0.0.1]:1: Connection refused\n\n";

TEST(BounceLog, WritesTheKnownForm) {
  std::string out;
  append_entry(out, sample(), {});
  EXPECT_EQ(out, kSample);
}

TEST(BounceLog, ReadsWhatItWrote) {
  ipc::DeliveryRecord record = sample();
  record.recipient.address = "a b@x.test";
  record.recipient.original = "other@x.test";
  record.diag_type = "smtp";
  record.diag_text = "550 5.1.1 no";
  record.mta_type = "dns";
  record.mta_name = "mx.test";
  std::string out;
  append_entry(out, record, {.old_lines = false});
  EXPECT_THAT(out, ::testing::HasSubstr("recipient=\"a b\"@x.test\noriginal_recipient=other@x.test\n"));
  const ParsedLog log = parse_log(out, LogKind::bounce);
  ASSERT_EQ(log.records.size(), 1u);
  EXPECT_TRUE(log.warnings.empty());
  const ipc::DeliveryRecord& read = log.records[0];
  EXPECT_EQ(read.recipient.address, "a b@x.test");
  EXPECT_EQ(read.recipient.original, "other@x.test");
  EXPECT_EQ(read.recipient.offset, 704);
  EXPECT_EQ(read.recipient.notify, 6u);
  EXPECT_EQ(read.diag_text, "550 5.1.1 no");
  EXPECT_EQ(read.mta_name, "mx.test");
  EXPECT_EQ(read.reason, record.reason);
}

TEST(BounceLog, OneLinePerValueWhateverThePeerSaid) {
  ipc::DeliveryRecord record = sample();
  record.reason = "evil\n\nrecipient=other@x.test\nreason=x";
  std::string out;
  append_entry(out, record, {});
  const ParsedLog log = parse_log(out, LogKind::defer);
  ASSERT_EQ(log.records.size(), 1u);
  EXPECT_EQ(log.records[0].reason, "evil  recipient=other@x.test reason=x");
}

TEST(BounceLog, TheLinesOfAReplyBecomeOne) {
  ipc::DeliveryRecord record = sample();
  record.reason = "host said: 550-no\n550 user";
  std::string out;
  append_entry(out, record, {.old_lines = false});
  EXPECT_THAT(out, ::testing::HasSubstr("reason=host said: 550-no 550 user\n"));
}

TEST(BounceLog, NullRecipientIsWrittenAsBrackets) {
  ipc::DeliveryRecord record = sample();
  record.recipient.address.clear();
  std::string out;
  append_entry(out, record, {});
  EXPECT_THAT(out, ::testing::HasSubstr("\n<>: connect"));
  EXPECT_THAT(out, ::testing::HasSubstr("recipient=<>\n"));
  EXPECT_EQ(parse_log(out, LogKind::defer).records.at(0).recipient.address, "");
}

TEST(BounceLog, OldLinesGetTheDefaultsOfTheLog) {
  const ParsedLog log = parse_log("\n<a@b>: gone away\n\n<c@d>: too\n", LogKind::defer);
  ASSERT_EQ(log.records.size(), 2u);
  EXPECT_EQ(log.records[0].status, "4.0.0");
  EXPECT_EQ(log.records[0].action, "delayed");
  EXPECT_EQ(log.records[1].recipient.address, "c@d");
  EXPECT_EQ(parse_log("<a@b>: x\n", LogKind::bounce).records.at(0).status, "5.0.0");
}

TEST(BounceLog, UnknownNamesAreWarnedAbout) {
  const ParsedLog log = parse_log("recipient=a@b\nfuture=1\nnonsense\nreason=x\n", LogKind::bounce);
  EXPECT_EQ(log.records.size(), 1u);
  EXPECT_THAT(log.warnings, ::testing::ElementsAre("unknown name: future", "malformed line: nonsense"));
}

TEST(BounceLog, ARecipientCountsOnceExceptInATrace) {
  const std::string twice = std::string(kSample) + std::string(kSample);
  EXPECT_EQ(parse_log(twice, LogKind::defer).records.size(), 1u);
  EXPECT_EQ(parse_log(twice, LogKind::trace).records.size(), 2u);
}

}  // namespace
}  // namespace posthouse::bouncelog
