#include "bounce/log_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace posthouse::bounce {
namespace {

TEST(LogFile, AppendsReadsAndRemoves) {
  char name[] = "/tmp/bounce_test.XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  ASSERT_EQ(::chdir(name), 0);
  const LogFile file(queuefile::Layout("deferred, defer", 2), LogKind::defer,
                     *queuefile::QueueId::parse("92CCAAC803D"));
  EXPECT_EQ(file.path(), "defer/9/2/92CCAAC803D");
  EXPECT_EQ(file.read_blocking()->has_value(), false);
  ASSERT_TRUE(file.append_blocking("one\n"));
  ASSERT_TRUE(file.append_blocking("two\n"));
  EXPECT_EQ(file.read_blocking()->value(), "one\ntwo\n");
  struct stat status {};
  ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_TRUE(file.remove_blocking());
  EXPECT_TRUE(file.remove_blocking());
  ASSERT_EQ(::chdir("/"), 0);
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace posthouse::bounce
