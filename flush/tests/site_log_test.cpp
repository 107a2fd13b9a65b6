#include "flush/site_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace posthouse::flush {
namespace {

namespace fs = std::filesystem;

class SiteLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/flush_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    ASSERT_EQ(::chdir(folder_.c_str()), 0);
    for (const char* queue : {"incoming", "deferred/3", "flush"}) fs::create_directories(queue);
  }
  void TearDown() override {
    ASSERT_EQ(::chdir("/"), 0);
    fs::remove_all(folder_);
  }
  static void store(const std::string& path, mode_t mode = 0700) {
    std::ofstream(path) << "x";
    ::chmod(path.c_str(), mode);
  }
  static queuefile::QueueId id(std::string_view text) { return *queuefile::QueueId::parse(text); }

  std::string folder_;
  queuefile::Layout layout_;
  SiteLogs logs_{queuefile::FileSystem::system(), layout_};
  Time now_ = Clock::system().now();
};

TEST(SiteLogName, HasLettersAndDigitsOnly) {
  EXPECT_EQ(log_name("Defer.Test"), "defer_test");
  EXPECT_EQ(log_name("[1.2.3.4]"), "_1_2_3_4_");
  EXPECT_EQ(log_name("../x"), "___x");
}

TEST(SiteLogText, CountsAnIdOnceAndSkipsJunk) {
  std::string text = "not an id\n";
  for (int i = 0; i < 10000; ++i) text += "3F4B8AC8069\n";
  const LoggedIds logged = parse_site_log(text + "3F4B8AC8070");
  EXPECT_EQ(logged.ids.size(), 2u);
  EXPECT_EQ(logged.malformed, 1u);
}

TEST_F(SiteLogTest, MovesWaitingMailToIncomingAndEmptiesTheList) {
  store("deferred/3/3F4B8AC8069");
  ASSERT_TRUE(logs_.add_blocking("defer.test", id("3F4B8AC8069")));
  ASSERT_TRUE(logs_.add_blocking("defer.test", id("3F4B8AC8070")));
  EXPECT_EQ(logs_.flush_blocking("defer_test", now_).value(), 1u);
  EXPECT_TRUE(fs::exists("incoming/3F4B8AC8069"));
  EXPECT_EQ(fs::file_size("flush/defer_test"), 0u);
  EXPECT_EQ(logs_.flush_blocking("unknown", now_).value(), 0u);
}

TEST_F(SiteLogTest, FlushesOneMessageWithTheBitThatAsksForIt) {
  store("deferred/3/3F4B8AC8069");
  EXPECT_TRUE(logs_.flush_message_blocking(id("3F4B8AC8069"), now_));
  struct stat status {};
  ASSERT_EQ(::stat("incoming/3F4B8AC8069", &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0740u);
  EXPECT_FALSE(logs_.flush_message_blocking(id("3F4B8AC8070"), now_));
}

TEST_F(SiteLogTest, LeavesUnfinishedFilesAlone) {
  store("incoming/3F4B8AC8069", 0600);
  EXPECT_FALSE(logs_.flush_message_blocking(id("3F4B8AC8069"), now_));
}

TEST_F(SiteLogTest, TidiesOldLists) {
  using namespace std::chrono_literals;
  std::ofstream("flush/empty").close();
  store("deferred/3/3F4B8AC8069");
  ASSERT_TRUE(logs_.add_blocking("defer.test", id("3F4B8AC8069")));
  EXPECT_EQ(logs_.tidy_blocking({.purge = 168h, .refresh = 12h}, now_), 0u);
  EXPECT_TRUE(fs::exists("flush/empty"));
  EXPECT_EQ(logs_.tidy_blocking({.purge = 168h, .refresh = 12h}, now_ + 200h), 1u);
  EXPECT_FALSE(fs::exists("flush/empty"));
  EXPECT_TRUE(fs::exists("incoming/3F4B8AC8069"));
}

}  // namespace
}  // namespace posthouse::flush
