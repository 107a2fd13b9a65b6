#include "lib/delivery/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/delivery/safe_path.h"
#include "lib/queuefile/record.h"
#include "lib/queuefile/writer.h"

namespace posthouse::delivery {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class MailboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "mailbox_test_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    before_ = fs::current_path();
    fs::current_path(directory_);
    fs::create_directories("incoming");
    fs::create_directories("mail");
    auto writer =
        queuefile::Writer::create(queuefile::FileSystem::system(), layout_, {}, Clock::system().now());
    writer->begin_envelope();
    writer->begin_content();
    for (const char* line : {"Subject: x", "", "From here", "end"}) writer->line(line);
    copy.data_offset = 0;
    const std::string path = writer->path();
    writer->begin_extracted();
    ASSERT_TRUE(writer->commit_blocking());
    file_ = std::move(*queuefile::FileSystem::system().open(path, queuefile::OpenFor::marking));
    std::string bytes(1000, '\0');
    bytes.resize(*file_->read_at(bytes.data(), bytes.size(), 0));
    copy.data_offset = static_cast<std::int64_t>(bytes.find("N\nSubject: x"));
    copy.file = file_.get();
    copy.sender = "s@x.test";
    copy.headers = delivery_headers(copy, "o@x.test", "d@x.test");
    copy.base = (directory_ / "mail").string();
    copy.owner = {::getuid() == 0 ? 1000U : ::getuid(), ::getuid() == 0 ? 1000U : ::getgid()};
    copy.user = "u";
    if (::getuid() == 0) {
      fs::permissions(directory_, fs::perms::all);
      ASSERT_EQ(::chown("mail", copy.owner.uid, copy.owner.gid), 0);
    }
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(directory_);
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static std::vector<fs::path> files_in(const fs::path& path) {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(path)) all.push_back(entry.path());
    return all;
  }

  MailboxCopy copy;

 private:
  fs::path directory_, before_;
  queuefile::Layout layout_;
  std::unique_ptr<queuefile::File> file_;
};

TEST_F(MailboxTest, TheOriginalRecipientMayBeLeftOut) {
  copy.names_original = false;
  EXPECT_THAT(delivery_headers(copy, "o@x.test", "d@x.test"),
              testing::ElementsAre("Return-Path: <s@x.test>", "Delivered-To: d@x.test"));
  copy.names_original = true;
  EXPECT_THAT(delivery_headers(copy, "", "d@x.test"),
              testing::ElementsAre("Return-Path: <s@x.test>", "Delivered-To: d@x.test"));
}

TEST_F(MailboxTest, AMaildirIsMadeAndFilled) {
  copy.path = "x.test/u/";
  const auto delivered = deliver_to_maildir_blocking(copy);
  ASSERT_TRUE(delivered) << delivered.error().text;
  const auto files = files_in("mail/x.test/u/new");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(files[0].filename().string(), MatchesRegex("[0-9]+\\.V[0-9a-f]+I[0-9a-f]+M[0-9]+\\..+"));
  EXPECT_EQ(content(files[0]),
            "Return-Path: <s@x.test>\nX-Original-To: o@x.test\nDelivered-To: d@x.test\nSubject: x\n\nFrom "
            "here\nend\n");
  EXPECT_TRUE(files_in("mail/x.test/u/tmp").empty());
  struct stat status {};
  ASSERT_EQ(::stat(files[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(status.st_uid, copy.owner.uid);
}

TEST_F(MailboxTest, ALimitedMaildirRefusesALargerMessageAndLeavesNothing) {
  copy.path = "u/";
  copy.limit = 50;
  const auto delivered = deliver_to_maildir_blocking(copy);
  ASSERT_FALSE(delivered);
  EXPECT_TRUE(delivered.error().is_permanent());
  EXPECT_EQ(delivered.error().dsn, "5.2.2");
  EXPECT_THAT(delivered.error().text, HasSubstr("File too large"));
  EXPECT_TRUE(files_in("mail/u/tmp").empty());
  EXPECT_TRUE(files_in("mail/u/new").empty());
}

TEST_F(MailboxTest, AnMboxGetsFromLinesQuotedAndABlankLineAtTheEnd) {
  copy.path = "u";
  ASSERT_TRUE(deliver_to_mbox_blocking(copy));
  const std::string once = content("mail/u");
  EXPECT_THAT(once, StartsWith("From s@x.test  "));
  EXPECT_THAT(once, HasSubstr("\n>From here\nend\n\n"));
  ASSERT_TRUE(deliver_to_mbox_blocking(copy));
  EXPECT_EQ(content("mail/u").size(), 2 * once.size());
}

TEST_F(MailboxTest, AFullMboxKeepsItsOldContent) {
  copy.path = "u";
  ASSERT_TRUE(deliver_to_mbox_blocking(copy));
  const std::string before = content("mail/u");
  copy.limit = before.size() + 10;
  const auto delivered = deliver_to_mbox_blocking(copy);
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().dsn, "5.2.2");
  EXPECT_EQ(content("mail/u"), before);
}

TEST_F(MailboxTest, ALockFileOfAnotherProgramIsRespectedUntilItIsStale) {
  copy.path = "u";
  copy.lock.dotlock = true;
  std::ofstream("mail/u.lock").close();
  EXPECT_EQ(deliver_to_mbox_blocking(copy).error().text, kLocked);
  copy.lock.stale = std::chrono::seconds(-10);
  EXPECT_EQ(deliver_to_mbox_blocking(copy).error().text, kLocked);
  EXPECT_TRUE(deliver_to_mbox_blocking(copy));
  EXPECT_FALSE(fs::exists("mail/u.lock"));
}

TEST_F(MailboxTest, NoPathLeadsOutOfTheBase) {
  fs::create_directories("outside");
  for (const char* path : {"../outside/", "a/../../outside/", "../outside/box"}) {
    copy.path = path;
    const auto delivered =
        copy.is_maildir() ? deliver_to_maildir_blocking(copy) : deliver_to_mbox_blocking(copy);
    EXPECT_FALSE(delivered) << path;
  }
  copy.path = "/abs/";
  EXPECT_TRUE(deliver_to_maildir_blocking(copy));
  EXPECT_TRUE(fs::exists("mail/abs/new"));
  EXPECT_TRUE(files_in("outside").empty());
}

TEST_F(MailboxTest, SymbolicAndHardLinksOfUsersAreNotFollowed) {
  fs::create_directories("outside");
  std::ofstream("outside/box").close();
  fs::create_symlink("../outside", "mail/link");
  fs::create_symlink("../outside/box", "mail/boxlink");
  if (::getuid() == 0) {
    ASSERT_EQ(::lchown("mail/link", copy.owner.uid, copy.owner.gid), 0);
    ASSERT_EQ(::lchown("mail/boxlink", copy.owner.uid, copy.owner.gid), 0);
  }
  copy.path = "link/u/";
  EXPECT_FALSE(deliver_to_maildir_blocking(copy));
  copy.path = "boxlink";
  EXPECT_FALSE(deliver_to_mbox_blocking(copy));
  copy.path = "first";
  ASSERT_TRUE(deliver_to_mbox_blocking(copy));
  fs::create_hard_link("mail/first", "mail/second");
  copy.path = "second";
  EXPECT_FALSE(deliver_to_mbox_blocking(copy));
}

TEST_F(MailboxTest, AMailboxOfSomebodyElseIsLeftAlone) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root";
  copy.path = "u";
  std::ofstream("mail/u").close();
  ASSERT_EQ(::chown("mail/u", 1001, 1001), 0);
  ASSERT_EQ(::chmod("mail/u", 0666), 0);
  EXPECT_THAT(deliver_to_mbox_blocking(copy).error().text, HasSubstr("is not owned by recipient"));
}

TEST_F(MailboxTest, TheThreadGetsItsRightsBack) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root";
  copy.path = "u/";
  ASSERT_TRUE(deliver_to_maildir_blocking(copy));
  EXPECT_EQ(::geteuid(), 0u);
  EXPECT_EQ(::getegid(), 0u);
}

TEST(MailboxLock, KnowsItsWords) {
  EXPECT_TRUE(MailboxLock::parse({"fcntl", "dotlock"})->dotlock);
  EXPECT_FALSE(MailboxLock::parse({"dotlock"})->fcntl);
  EXPECT_FALSE(MailboxLock::parse({"lockf"}));
}

}  // namespace
}  // namespace posthouse::delivery
