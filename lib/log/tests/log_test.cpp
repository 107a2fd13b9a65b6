#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <sstream>

#include "lib/base/text.h"
#include "lib/log/exhaustion.h"
#include "lib/log/logger.h"
#include "lib/log/setup.h"

namespace posthouse::log {
namespace {

using ::testing::EndsWith;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/log_test.XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TemporaryDirectory() { [[maybe_unused]] const int status = std::system(("rm -rf " + path_).c_str()); }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

std::string contents(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

UniqueFd datagram_receiver(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

std::string receive(int fd) {
  std::string buffer(65536, '\0');
  const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  return size < 0 ? "nothing" : buffer.substr(0, static_cast<std::size_t>(size));
}

TEST(FrameText, PutsTheSeverityInFrontOfEverythingButInfo) {
  EXPECT_EQ(frame_text(Severity::info, "x", true), "x");
  EXPECT_EQ(frame_text(Severity::warning, "x", true), "warning: x");
  EXPECT_EQ(frame_text(Severity::error, "x", true), "error: x");
  EXPECT_EQ(frame_text(Severity::fatal, "x", true), "fatal: x");
  EXPECT_EQ(frame_text(Severity::panic, "x", true), "panic: x");
}

TEST(FrameText, CutsTheTextAt2000BytesAndReplacesControls) {
  EXPECT_EQ(frame_text(Severity::warning, std::string(3000, 'a'), true).size(), 2000 + 9);
  EXPECT_EQ(frame_text(Severity::info, "a\nb\x01", true), "a?b?");
  EXPECT_EQ(frame_text(Severity::info, "gr\xc3\xbc\xc3\x9f", true), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(frame_text(Severity::info, "gr\xc3\xbc", false), "gr??");
}

TEST(StampCache, PadsTheDayWithZero) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  StampCache stamp;
  EXPECT_EQ(stamp.at(time_from_unix(1'762'324'733)), "Nov 05 06:38:53");
  EXPECT_EQ(stamp.at(time_from_unix(1'762'324'734)), "Nov 05 06:38:54");
}

TEST(Logger, WritesAFileLineAsTheReadersExpect) {
  const TemporaryDirectory dir;
  const FakeClock clock(time_from_unix(1'762'324'733));
  Logger log(clock);
  log.set_identity("postfix/smtpd");
  log.add_sink(file_sink(dir / "maillog"));
  log.write(Severity::info, "connect from a[1.2.3.4]");
  log.write(Severity::warning, "odd");
  EXPECT_THAT(contents(dir / "maillog"),
              MatchesRegex("Nov 05 06:38:53 [^ .]+ postfix/smtpd\\[[0-9]+\\]: connect from a\\[1.2.3.4\\]\n"
                           "Nov 05 06:38:53 [^ .]+ postfix/smtpd\\[[0-9]+\\]: warning: odd\n"));
  struct stat status {};
  ASSERT_EQ(::stat((dir / "maillog").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(Logger, SendsAllLinesOfATurnInOneDatagramToPostlog) {
  const TemporaryDirectory dir;
  const UniqueFd service = datagram_receiver(dir / "postlog");
  Logger log;
  log.set_buffered(true);
  log.add_sink(postlog_sink(dir / "postlog"));
  log.write(Severity::info, "one");
  log.write(Severity::info, "two");
  EXPECT_EQ(receive(service.get()), "nothing");
  log.flush();
  const std::string datagram = receive(service.get());
  EXPECT_THAT(datagram, EndsWith("]: two"));
  EXPECT_EQ(split(datagram, '\n').size(), 2u);
  EXPECT_EQ(receive(service.get()), "nothing");
}

TEST(Logger, NeverSendsADatagramLargerThanTheLimit) {
  const TemporaryDirectory dir;
  const UniqueFd service = datagram_receiver(dir / "postlog");
  Logger log;
  log.set_buffered(true);
  log.add_sink(postlog_sink(dir / "postlog"));
  const std::string text(1900, 'x');
  std::size_t lines = 0;
  for (int i = 0; i < 40; ++i) log.write(Severity::info, text);
  log.flush();
  for (std::string got = receive(service.get()); got != "nothing"; got = receive(service.get())) {
    EXPECT_LE(got.size(), kBatchLimit);
    lines += split(got, '\n').size();
  }
  EXPECT_EQ(lines, 40u);
}

TEST(Logger, WritesFatalLinesAtOnceEvenWhenBuffering) {
  const TemporaryDirectory dir;
  Logger log;
  log.set_buffered(true);
  log.add_sink(file_sink(dir / "maillog"));
  log.write(Severity::info, "before");
  log.write(Severity::fatal, "no way");
  EXPECT_THAT(contents(dir / "maillog"), EndsWith(": fatal: no way\n"));
}

TEST(Logger, FramesSyslogDatagramsWithPriorityAndPid) {
  const TemporaryDirectory dir;
  const UniqueFd service = datagram_receiver(dir / "log");
  const FakeClock clock(time_from_unix(1'762'324'733));
  Logger log(clock);
  log.set_identity("postfix/qmgr");
  log.add_sink(syslog_sink(dir / "log"));
  log.write(Severity::info, "x: removed");
  EXPECT_EQ(receive(service.get()),
            fmt::format("<22>Nov 05 06:38:53 postfix/qmgr[{}]: x: removed", ::getpid()));
  log.write(Severity::panic, "bug");
  EXPECT_THAT(receive(service.get()), StartsWith("<18>"));
}

TEST(Logger, ConnectsAgainWhenTheLogServiceWasReplaced) {
  const TemporaryDirectory dir;
  UniqueFd service = datagram_receiver(dir / "log");
  Logger log;
  log.add_sink(syslog_sink(dir / "log"));
  log.write(Severity::info, "one");
  service.reset();
  ::unlink((dir / "log").c_str());
  service = datagram_receiver(dir / "log");
  log.write(Severity::info, "two");
  EXPECT_THAT(receive(service.get()), EndsWith(": two"));
}

TEST(Logger, LeavesARotatedFileForThePostlogService) {
  const TemporaryDirectory dir;
  const UniqueFd service = datagram_receiver(dir / "postlog");
  const UniqueFd file(::open((dir / "maillog").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  Logger log;
  log.add_sink(fd_sink(file.get(), postlog_sink(dir / "postlog")));
  log.write(Severity::info, "early");
  ASSERT_EQ(::rename((dir / "maillog").c_str(), (dir / "maillog.1").c_str()), 0);
  ASSERT_TRUE(mark_rotated(dir / "maillog.1"));
  log.write(Severity::info, "late");
  EXPECT_THAT(contents(dir / "maillog.1"), EndsWith(": early\n"));
  EXPECT_THAT(receive(service.get()), EndsWith(": late"));
}

TEST(ExhaustionDeathTest, IsTheLastThingThatTheLogTells) {
  const auto spend = [] {
    end_when_memory_is_spent();
    std::get_new_handler()();
  };
  EXPECT_EXIT(spend(), testing::ExitedWithCode(1), "fatal: insufficient memory");
}

TEST(ExhaustionDeathTest, InsideTheLoggerEndsWithoutALine) {
  class Greedy : public Sink {
   public:
    void add(const Identity&, const Line&) override { std::get_new_handler()(); }
    void flush() override {}
    std::size_t pending() const override { return 0; }
    void discard() override {}
  };
  const auto spend = [] {
    end_when_memory_is_spent();
    logger().add_sink(std::make_unique<Greedy>());
    logger().write(Severity::info, "one");
  };
  EXPECT_EXIT(spend(), testing::ExitedWithCode(1), "^$");
}

TEST(Facility, KnowsTheNamesOfSyslog) {
  EXPECT_EQ(facility_number("mail"), 2 << 3);
  EXPECT_EQ(facility_number("local7"), 23 << 3);
  EXPECT_EQ(facility_number("nonsense"), -1);
}

}  // namespace
}  // namespace posthouse::log
