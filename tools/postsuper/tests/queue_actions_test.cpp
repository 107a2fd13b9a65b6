#include "tools/postsuper/queue_actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lib/queuefile/writer.h"

namespace posthouse::postsuper {
namespace {

using testing::ElementsAre;
namespace fs = std::filesystem;

class Postsuper : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/postsuperXXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    before_ = fs::current_path();
    fs::current_path(directory_);
    for (auto queue : {"incoming", "deferred", "active", "hold", "maildrop", "trace", "bounce", "defer"})
      fs::create_directory(queue);
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(directory_);
  }
  queuefile::QueueId add(std::string_view queue) {
    auto writer = queuefile::Writer::create(files_, layout_, {.queue = queue}, Clock::system().now());
    writer->begin_envelope();
    return writer->commit_blocking()->queue_id();
  }
  bool has(std::string_view queue, const queuefile::QueueId& id) {
    return fs::exists(layout_.path(queue, id));
  }

  fs::path directory_, before_;
  queuefile::FileSystem& files_ = queuefile::FileSystem::system();
  queuefile::Layout layout_;
  std::vector<std::string> lines_;
  QueueActions actions_{
      files_,
      layout_,
      Clock::system(),
      {.info = [this](std::string_view text) { lines_.emplace_back(text); },
       .warning = [this](std::string_view text) { lines_.emplace_back("warning: " + std::string(text)); }}};
};

TEST_F(Postsuper, RemovesTheMessageAndItsLogs) {
  const auto id = add("deferred");
  ASSERT_TRUE(layout_.make_directories(files_, "defer", id));
  ASSERT_TRUE(files_.create(layout_.path("defer", id), 0600));
  actions_.perform(Action::remove, id, {"hold", "deferred"});
  actions_.perform(Action::remove, id, {"hold", "deferred"});
  EXPECT_FALSE(has("deferred", id) || has("defer", id));
  EXPECT_THAT(lines_, ElementsAre(id.text() + ": removed"));
  EXPECT_EQ(actions_.counts().removed, 1u);
}

TEST_F(Postsuper, HoldsReleasesAndRequeues) {
  const auto id = add("incoming");
  actions_.perform(Action::hold, id, {"incoming"});
  EXPECT_TRUE(has("hold", id));
  actions_.perform(Action::expire_and_release, id, {"hold"});
  EXPECT_TRUE(has("deferred", id));
  EXPECT_EQ(files_.status(layout_.path("deferred", id))->permissions(), 0710u);
  actions_.perform(Action::requeue, id, {"deferred"});
  EXPECT_TRUE(has("maildrop", id));
  EXPECT_THAT(lines_,
              ElementsAre(id.text() + ": placed on hold", id.text() + ": expired", id.text() + ": requeued"));
}

TEST_F(Postsuper, AllIsCountedOnly) {
  for (int i = 0; i < 3; ++i) add("deferred");
  actions_.perform_on_all(Action::hold, {"deferred"});
  EXPECT_EQ(actions_.counts().held, 3u);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(Postsuper, StructureMovesAndRenames) {
  const auto id = add("deferred");
  fs::rename(layout_.path("deferred", id), "deferred/" + id.text());  // wrong depth
  const auto other = add("incoming");
  const auto wrong = other.with_inode(1);
  fs::rename(layout_.path("incoming", other), layout_.path("incoming", wrong));
  fs::rename("incoming/" + wrong.text(), "incoming/" + wrong.text());
  for (auto odd : {"incoming/#", "incoming/F", "incoming/#FIX", "incoming/12.34"})
    ASSERT_TRUE(files_.create(odd, 0600));
  actions_.fix_structure({"deferred", "incoming"});
  EXPECT_TRUE(has("deferred", id));
  EXPECT_TRUE(has("incoming", other));
  EXPECT_EQ(actions_.counts().renamed, 1u);
  EXPECT_EQ(actions_.counts().moved, 1u);
}

TEST_F(Postsuper, PurgesOldUnfinishedFilesOnly) {
  ASSERT_TRUE(files_.create("incoming/old", 0600));
  ASSERT_TRUE(files_.set_times("incoming/old", Clock::system().now() - std::chrono::hours(24 * 8)));
  ASSERT_TRUE(files_.create("incoming/young", 0600));
  const auto id = add("incoming");
  ASSERT_TRUE(
      files_.set_times(layout_.path("incoming", id), Clock::system().now() - std::chrono::hours(24 * 8)));
  actions_.purge({"incoming"});
  EXPECT_FALSE(fs::exists("incoming/old"));
  EXPECT_TRUE(fs::exists("incoming/young") && has("incoming", id));
}

}  // namespace
}  // namespace posthouse::postsuper
