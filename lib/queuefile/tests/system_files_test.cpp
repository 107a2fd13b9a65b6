#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "lib/queuefile/queue_scan.h"
#include "lib/queuefile/writer.h"

namespace posthouse::queuefile {
namespace {

class SystemFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/queueXXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(directory_);
    for (auto queue : {"incoming", "deferred", "active"}) std::filesystem::create_directory(queue);
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(directory_);
  }
  std::filesystem::path directory_, before_;
  FileSystem& files_ = FileSystem::system();
};

TEST_F(SystemFiles, WritesMovesAndScans) {
  const Layout layout;
  auto writer = Writer::create(files_, layout, {.long_ids = true}, Clock::system().now());
  ASSERT_TRUE(writer) << writer.error().text;
  writer->begin_envelope();
  writer->begin_content();
  writer->begin_extracted();
  EXPECT_EQ(files_.status(writer->path())->permissions(), 0600u);
  const auto receipt = writer->commit_blocking();
  ASSERT_TRUE(receipt);
  const QueueId id = receipt->queue_id();
  const auto status = files_.status(layout.path("incoming", id));
  EXPECT_TRUE(status->is_ready());
  EXPECT_EQ(id.inode(), status->inode);

  ASSERT_TRUE(layout.move(files_, "incoming", "deferred", id));
  EXPECT_EQ(layout.find(files_, id, {"active", "deferred"}), "deferred");
  ASSERT_TRUE(files_.create("deferred/x.1", 0600));
  QueueScan scan("deferred");
  EXPECT_EQ(scan.next(), id);
  EXPECT_FALSE(scan.next());
  EXPECT_FALSE(scan.take_failure());
}

TEST_F(SystemFiles, FailuresAreErrnoValues) {
  EXPECT_EQ(files_.open("nothing", OpenFor::reading).error(), ENOENT);
  ASSERT_TRUE(files_.create("incoming/a", 0600));
  EXPECT_EQ(files_.create("incoming/a", 0600).error(), EEXIST);
  ASSERT_TRUE(files_.create("incoming/b", 0600));
  EXPECT_EQ(files_.rename_new("incoming/a", "incoming/b").error(), EEXIST);
  auto first = files_.open("incoming/a", OpenFor::marking);
  auto second = files_.open("incoming/a", OpenFor::marking);
  EXPECT_TRUE((*first)->try_lock());
  EXPECT_EQ((*second)->try_lock().error(), EWOULDBLOCK);
}

}  // namespace
}  // namespace posthouse::queuefile
