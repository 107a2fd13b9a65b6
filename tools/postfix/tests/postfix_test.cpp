#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/base/unique_fd.h"
#include "tools/postfix/actions.h"
#include "tools/postfix/queue_check.h"

namespace posthouse::postfix_command {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class PostfixCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/postfix_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    fs::create_directory(folder_ + "/etc");
    std::ofstream(folder_ + "/etc/master.cf") << "smtp inet n - - - - smtpd\n";
    write_main_cf();
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write_main_cf(std::string_view more = "") {
    std::ofstream(folder_ + "/etc/main.cf")
        << "compatibility_level = 3.6\nqueue_directory = " << folder_
        << "/queue\ndata_directory = " << folder_ << "/data\n"
        << "maillog_file = " << folder_ << "/log\nmaillog_file_prefixes = /tmp\nmail_owner = " << user()
        << "\nsetgid_group = " << group() << "\ncommand_directory = " << folder_
        << "\ndaemon_directory = " DAEMON_DIRECTORY "\n"
        << more;
  }
  static std::string user() { return ::geteuid() == 0 ? "daemon" : "nobody"; }
  static std::string group() { return ::geteuid() == 0 ? "mail" : "nogroup"; }
  Instance instance() const { return Instance(folder_ + "/etc"); }
  int run(std::vector<std::string> words) const { return perform(instance(), {.words = std::move(words)}); }
  unsigned mode(const std::string& name) const {
    struct stat status {};
    return ::stat((folder_ + "/queue/" + name).c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  std::string log() const {
    std::ifstream file(folder_ + "/log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_;
};

TEST_F(PostfixCommand, CheckMakesTheQueueDirectories) {
  ASSERT_EQ(run({"check"}), 0);
  for (const char* name :
       {"incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace", "private"}) {
    EXPECT_EQ(mode(name), 0700u) << name;
  }
  EXPECT_EQ(mode("public"), 0710u);
  EXPECT_EQ(mode("maildrop"), 0730u);
  EXPECT_EQ(mode("pid"), 0755u);
  EXPECT_EQ(run({"check"}), 0);
}

TEST_F(PostfixCommand, CheckFailsForABrokenMasterCf) {
  std::ofstream(folder_ + "/etc/master.cf") << "smtp inet n - - - -\n";
  EXPECT_EQ(run({"check"}), 1);
  EXPECT_THAT(log(),
              ::testing::HasSubstr("fatal: " + folder_ + "/etc/master.cf:1: the command column is missing"));
}

TEST_F(PostfixCommand, SaysThatNothingRuns) {
  run({"check"});
  EXPECT_EQ(run({"status"}), 1);
  EXPECT_THAT(log(), ::testing::HasSubstr("/postfix-script["));
  EXPECT_THAT(log(), ::testing::HasSubstr("]: the Postfix mail system is not running"));
  EXPECT_EQ(run({"stop"}), 1);
  EXPECT_EQ(run({"reload"}), 1);
  EXPECT_EQ(run({"drain"}), 1);
  EXPECT_EQ(run({"abort"}), 1);
  EXPECT_EQ(run({"nonsense"}), 1);
}

TEST_F(PostfixCommand, FindsTheRunningMasterByItsLock) {
  run({"check"});
  std::ofstream(folder_ + "/queue/pid/master.pid") << "                            4711\n";
  EXPECT_EQ(instance().master_pid(), 0);
  const UniqueFd lock(::open((folder_ + "/queue/pid/master.pid").c_str(), O_RDWR));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  EXPECT_EQ(instance().master_pid(), 4711);
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(run({"start"}), 1);
  EXPECT_THAT(log(), ::testing::HasSubstr("fatal: the Postfix mail system is already running"));
}

TEST_F(PostfixCommand, RotatesTheLogAndMarksTheOldFile) {
  write_main_cf("maillog_file_rotate_suffix = old\nmaillog_file_compressor = true\n");
  std::ofstream(folder_ + "/log") << "a line\n";
  EXPECT_EQ(run({"logrotate"}), 0);
  EXPECT_FALSE(fs::exists(folder_ + "/log"));
  struct stat status {};
  ASSERT_EQ(::stat((folder_ + "/log.old").c_str(), &status), 0);
  EXPECT_NE(status.st_mode & S_IXUSR, 0u);
}

TEST(PostfixOptions, EndAtTheAction) {
  const char* words[] = {"postfix", "-c", "/etc/x", "-v", "-v", "-D", "start-fg", "--ready-fd=7"};
  const Options options = parse_options(8, const_cast<char**>(words));
  EXPECT_EQ(options.config_directory, "/etc/x");
  EXPECT_THAT(options.words, ElementsAre("start-fg", "--ready-fd=7"));
  const char* none[] = {"postfix", "-v"};
  EXPECT_THROW(parse_options(2, const_cast<char**>(none)), std::invalid_argument);
}

}  // namespace
}  // namespace posthouse::postfix_command
