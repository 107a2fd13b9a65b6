#include "postlogd/line_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace posthouse::postlogd {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(LogLines, AreBoundedAndPrintable) {
  std::string out;
  append_lines(out, "one\ntw\x01o\n\nthree");
  EXPECT_EQ(out, "one\ntw?o\nthree\n");
  out.clear();
  append_lines(out, std::string(60000, 'x'));
  EXPECT_EQ(out.size(), kLineLimit + 1);
  out.clear();
  append_lines(out, std::string_view("ab\0cd", 5));
  EXPECT_EQ(out, "ab\n");
}

TEST(LogLines, HaveASyslogForm) {
  EXPECT_EQ(syslog_form("Nov 05 06:38:53 mx postfix/smtpd[7]: warning: odd", 2 << 3),
            "<20>Nov 05 06:38:53 postfix/smtpd[7]: warning: odd");
  EXPECT_EQ(syslog_form("Nov 05 06:38:53 mx postfix/smtpd[7]: fine", 2 << 3),
            "<22>Nov 05 06:38:53 postfix/smtpd[7]: fine");
  EXPECT_EQ(syslog_form("junk", 2 << 3), "<22>junk");
}

TEST(LineWriter, FollowsARotation) {
  char name[] = "/tmp/postlogd_test.XXXXXX";
  const std::string path = std::string(::mkdtemp(name)) + "/log";
  {
    const UniqueFd inherited(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600));
    LineWriter writer(path, inherited.get(), 2 << 3);
    writer.add("before");
    writer.flush();
    ASSERT_EQ(::rename(path.c_str(), (path + ".old").c_str()), 0);
    ASSERT_TRUE(log::mark_rotated(path + ".old"));
    writer.add("after\nrotation");
    writer.flush();
  }
  EXPECT_EQ(contents(path + ".old"), "before\n");
  EXPECT_EQ(contents(path), "after\nrotation\n");
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace posthouse::postlogd
