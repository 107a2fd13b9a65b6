#include "showq/listing.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/queuefile/record.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::showq {
namespace {

using queuefile::RecordType;

class ListingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/showq_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    ASSERT_EQ(::chdir(folder_.c_str()), 0);
    for (const char* queue : {"maildrop", "active", "incoming", "deferred/3", "hold", "defer/3"}) {
      std::filesystem::create_directories(queue);
    }
  }
  void TearDown() override {
    ASSERT_EQ(::chdir("/"), 0);
    std::filesystem::remove_all(folder_);
  }

  static std::string message(std::string_view sender, int recipients, bool with_size = true) {
    std::string envelope;
    append_record(envelope, RecordType::time, "1795329533 5");
    append_record(envelope, RecordType::sender, sender);
    for (int i = 0; i < recipients; ++i)
      append_record(envelope, RecordType::recipient, fmt::format("r{}@x.test", i));
    append_record(envelope, RecordType::done, "gone@x.test");
    append_record(envelope, RecordType::message, "");
    std::string content;
    append_record(content, RecordType::line, "Subject: R");
    std::string tail;
    append_record(tail, RecordType::extracted, "");
    append_record(tail, RecordType::recipient, "late@x.test");
    append_record(tail, RecordType::end, "");
    std::string head;
    if (with_size) {
      queuefile::SizeRecord size{.content_length = static_cast<std::int64_t>(content.size()),
                                 .data_offset = static_cast<std::int64_t>(97 + envelope.size()),
                                 .recipient_count = recipients,
                                 .message_size = 77};
      append_record(head, RecordType::size, size.payload());
    }
    return head + envelope + content + tail;
  }
  static void store(const std::string& path, const std::string& bytes, mode_t mode = 0700) {
    std::ofstream(path) << bytes;
    ::chmod(path.c_str(), mode);
  }
  std::vector<ipc::ShowqBatch> all() {
    Listing listing(queuefile::FileSystem::system(), layout_);
    std::vector<ipc::ShowqBatch> batches;
    do {
      batches.push_back(listing.next());
    } while (!batches.back().is_last);
    return batches;
  }

  std::string folder_;
  queuefile::Layout layout_;
};

TEST_F(ListingTest, ShowsBothSegmentsAndReasons) {
  store("deferred/3/3F4B8AC8069", message("s@virt.test", 1));
  std::ofstream("defer/3/3F4B8AC8069") << "\nrecipient=late@x.test\nreason=try later\n\n";
  const auto batches = all();
  ASSERT_EQ(batches.size(), 1u);
  ASSERT_EQ(batches[0].entries.size(), 1u);
  const ipc::ShowqEntry& entry = batches[0].entries[0];
  EXPECT_EQ(entry.queue_name, "deferred");
  EXPECT_EQ(entry.arrival_time, 1795329533);
  EXPECT_EQ(entry.size, 12);
  EXPECT_EQ(entry.sender, "s@virt.test");
  ASSERT_EQ(entry.recipients.size(), 2u);
  EXPECT_EQ(entry.recipients[0].address, "late@x.test");
  EXPECT_EQ(entry.recipients[0].reason, "try later");
  EXPECT_EQ(entry.recipients[1].address, "r0@x.test");
  EXPECT_EQ(entry.recipients[1].reason, "");
}

TEST_F(ListingTest, LeavesOutUnfinishedFilesAndMarksForcedExpiry) {
  store("incoming/3F4B8AC8069", message("s@virt.test", 1), 0600);
  store("hold/3F4B8AC8070", message("", 1), 0710);
  const auto batches = all();
  ASSERT_EQ(batches[0].entries.size(), 1u);
  EXPECT_TRUE(batches[0].entries[0].is_force_expired);
  EXPECT_EQ(batches[0].entries[0].sender, "MAILER-DAEMON");
}

TEST_F(ListingTest, StopsAtTheFirstRecordThatDoesNotBelong) {
  std::string odd;
  append_record(odd, RecordType::recipient, "early@x.test");
  append_record(odd, RecordType::sender, "s@x.test");
  store("maildrop/aaa111", odd, 0744);
  std::string twice;
  append_record(twice, RecordType::sender, "a@x.test");
  append_record(twice, RecordType::sender, "b@x.test");
  append_record(twice, RecordType::recipient, "r@x.test");
  store("maildrop/bbb222", twice, 0744);
  store("maildrop/ccc333", "S\xff\xff\xff\xff\xff", 0744);
  const auto batches = all();
  EXPECT_EQ(batches[0].entries.size(), 3u);
  for (const ipc::ShowqEntry& entry : batches[0].entries)
    EXPECT_TRUE(entry.recipients.empty()) << entry.queue_id;
}

TEST_F(ListingTest, CutsAMessageOfManyRecipients) {
  store("active/3F4B8AC8069", message("s@virt.test", 5000));
  const auto batches = all();
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_TRUE(batches[0].entries[0].is_continued);
  std::size_t count = 0;
  for (const auto& batch : batches) {
    for (const auto& entry : batch.entries) count += entry.recipients.size();
  }
  EXPECT_EQ(count, 5001u);
  EXPECT_EQ(batches[1].entries[0].queue_id, "");
}

}  // namespace
}  // namespace posthouse::showq
