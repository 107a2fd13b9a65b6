// Runs the real master in a child process with a small test daemon.
#include "master/master.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "lib/base/text.h"
#include "master/pid_lock.h"

namespace posthouse::master {
using namespace std::chrono_literals;

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string contents(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// A connection to a service; every read waits for a whole line, 20 s at most.
class Client {
 public:
  explicit Client(UniqueFd fd) : fd_(std::move(fd)) {}
  static Client to_port(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return Client(std::move(fd));
  }
  static Client to_path(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    // After a reload the socket may still be on its way.
    for (const auto give_up = std::chrono::steady_clock::now() + 20s;
         std::chrono::steady_clock::now() < give_up;) {
      UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
      if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
        return Client(std::move(fd));
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "no service at " << path;
    return Client(UniqueFd());
  }
  std::string line() {
    std::string text;
    for (;;) {
      pollfd item{fd_.get(), POLLIN, 0};
      if (::poll(&item, 1, 20'000) != 1) return "timeout";
      char c = 0;
      const ssize_t size = ::read(fd_.get(), &c, 1);
      if (size <= 0) return "closed";
      if (c == '\n') return text;
      text += c;
    }
  }
  std::string echo(std::string_view text) {
    const std::string sent = std::string(text) + "\n";
    EXPECT_EQ(::send(fd_.get(), sent.data(), sent.size(), MSG_NOSIGNAL), static_cast<ssize_t>(sent.size()));
    return line();
  }

 private:
  UniqueFd fd_;
};

std::string pid_in(const std::string& hello) {
  const std::size_t start = hello.find("\"pid\": ") + 7;
  return hello.substr(start, hello.find(',', start) - start);
}

class MasterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/master_test.XXXXXX";
    queue_ = ::mkdtemp(name);
    for (const std::string folder : {"pid", "public", "private"})
      std::filesystem::create_directory(queue_ + "/" + folder);
  }
  void TearDown() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGQUIT);
      wait_for_end();
    }
    if (HasFailure()) std::fprintf(stderr, "%s", log().c_str());
    std::filesystem::remove_all(queue_);
  }

  std::string log() const { return contents(queue_ + "/log"); }

  // Waits for a text in the log: the log is the only thing master tells about itself.
  bool log_gets(std::string_view text) const {
    for (int i = 0; i < 2000; ++i) {
      if (log().find(text) != std::string::npos) return true;
      ::usleep(10'000);
    }
    return false;
  }

  void write_master_cf(std::string_view text) { std::ofstream(queue_ + "/master.cf") << text; }

  std::expected<Configuration, std::vector<std::string>> load() const {
    Configuration configuration;
    Settings& settings = configuration.settings;
    settings.config_directory = "/etc/test";
    settings.queue_directory = queue_;
    settings.daemon_directory = TEST_DATA_DIR;
    settings.mail_owner = "root";
    settings.version = "1.2";
    settings.inet_interfaces = {"127.0.0.1"};
    settings.maillog_file = queue_ + "/log";
    auto parsed = config::parse_master_cf(contents(queue_ + "/master.cf"), "master.cf");
    if (!parsed) return std::unexpected(parsed.error());
    configuration.master_cf = std::move(*parsed);
    return configuration;
  }

  void start(std::string_view master_cf) {
    write_master_cf(master_cf);
    int ready[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      if (::chdir(queue_.c_str()) != 0) ::_exit(9);
      auto configuration = load();
      const auto lock = PidLock::take("pid/master.pid");
      if (!configuration || !lock) ::_exit(8);
      Master master({}, *configuration, [this] { return load(); });
      ::_exit(master.run([&] { [[maybe_unused]] const ssize_t done = ::write(ready[1], "\n", 1); }));
    }
    ::close(ready[1]);
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1) << log();
    ::close(ready[0]);
  }

  int wait_for_end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  std::uint16_t port_of(const std::string& service) const {
    const std::string ports = contents(queue_ + "/pid/ports");
    for (const std::string_view line : split(ports, '\n')) {
      const auto words = split_any(line);
      if (words.size() == 3 && words[0] == service) return parse_int<std::uint16_t>(words[2]).value_or(0);
    }
    return 0;
  }

  std::string queue_;
  pid_t pid_ = 0;
};

TEST_F(MasterTest, StartsADaemonWhenAClientComes) {
  start("0 inet n - - - 5 echo_daemon -o { a = b c }\nx unix - - - - - echo_daemon\n");
  EXPECT_THAT(log(), HasSubstr("]: daemon started -- version 1.2, configuration /etc/test\n"));
  Client inet = Client::to_port(port_of("0"));
  const std::string hello = inet.line();
  EXPECT_THAT(hello, HasSubstr(R"("-n", "0", "-t", "inet")"));
  EXPECT_THAT(hello, HasSubstr(R"("-s", "1", "-z", "5", "-o", "a=b c"])"));
  EXPECT_THAT(hello, HasSubstr("\"cwd\": \"" + queue_ + "\""));
  EXPECT_EQ(inet.echo("hello"), "hello");
  Client local = Client::to_path(queue_ + "/private/x");
  EXPECT_NE(pid_in(local.line()), pid_in(hello));
}

TEST_F(MasterTest, TheSocketMayBeUsedByAllWhoReachIt) {
  start("x unix n - - - - echo_daemon\n");
  const auto mode = std::filesystem::status(queue_ + "/public/x").permissions();
  EXPECT_EQ(static_cast<unsigned>(mode), 0666u);
}

TEST_F(MasterTest, RestartsAProcessThatWasKilled) {
  start("x unix - - - - - echo_daemon\n");
  const std::string first = pid_in(Client::to_path(queue_ + "/private/x").line());
  ::kill(*parse_int<pid_t>(first), SIGKILL);
  EXPECT_TRUE(log_gets("echo_daemon pid " + first + " killed by signal 9"));
  EXPECT_NE(pid_in(Client::to_path(queue_ + "/private/x").line()), first);
}

TEST_F(MasterTest, SlowsDownAProgramThatCannotStart) {
  start("x unix - - - - - echo_daemon --fail\ny unix - - - - - no_such_program\n");
  const Client one = Client::to_path(queue_ + "/private/x");
  const Client two = Client::to_path(queue_ + "/private/y");
  EXPECT_TRUE(log_gets("echo_daemon: bad command startup -- throttling"));
  EXPECT_TRUE(log_gets("no_such_program: bad command startup -- throttling"));
  EXPECT_THAT(log(), HasSubstr("exit status 3"));
  EXPECT_THAT(log(), HasSubstr("fatal: " + std::string(TEST_DATA_DIR) +
                               "/no_such_program: No such file or directory"));
}

TEST_F(MasterTest, ReloadCutsNoSessionAndKeepsTheSocket) {
  start("0 inet n - - - - echo_daemon\ngone unix - - - - - echo_daemon\n");
  const std::uint16_t port = port_of("0");
  Client before = Client::to_port(port);
  const std::string first = pid_in(before.line());
  Client removed = Client::to_path(queue_ + "/private/gone");
  removed.line();
  write_master_cf("0 inet n - - - - echo_daemon\nfresh unix - - - - - echo_daemon\n");
  ::kill(pid_, SIGHUP);
  ASSERT_TRUE(log_gets("reload -- version 1.2, configuration /etc/test"));
  Client fresh = Client::to_path(queue_ + "/private/fresh");
  fresh.line();
  EXPECT_EQ(port_of("0"), port);
  EXPECT_NE(pid_in(Client::to_port(port).line()), first);
  EXPECT_EQ(before.echo("still here"), "still here");
  EXPECT_EQ(removed.echo("me too"), "me too");
  EXPECT_FALSE(std::filesystem::exists(queue_ + "/private/gone"));
}

TEST_F(MasterTest, ABrokenFileAtReloadChangesNothing) {
  start("x unix - - - - - echo_daemon\n");
  Client client = Client::to_path(queue_ + "/private/x");
  const std::string first = pid_in(client.line());
  write_master_cf("x unix - - - - - echo_daemon\ny tcp - - - - - echo_daemon\n");
  ::kill(pid_, SIGHUP);
  EXPECT_TRUE(log_gets("error: reload refused"));
  EXPECT_THAT(log(), HasSubstr("error: master.cf:2: service type column"));
  EXPECT_EQ(pid_in(Client::to_path(queue_ + "/private/x").line()), first);
}

TEST_F(MasterTest, ASocketThatCannotBeBoundAtReloadChangesNothing) {
  start("0 inet n - - - - echo_daemon\n");
  UniqueFd other(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  ::getsockname(other.get(), reinterpret_cast<sockaddr*>(&address), &size);
  const std::uint16_t port = port_of("0");
  write_master_cf(
      fmt::format("0 inet n - - - - echo_daemon\n{} inet n - - - - x\n", ntohs(address.sin_port)));
  ::kill(pid_, SIGHUP);
  EXPECT_TRUE(log_gets(
      fmt::format("error: bind 127.0.0.1 port {}: Address already in use", ntohs(address.sin_port))));
  EXPECT_NE(Client::to_port(port).line(), "closed");
}

TEST_F(MasterTest, WakesAServiceAtStartUnlessItWaitsForFirstUse) {
  start("x unix - - - 300 - echo_daemon\ny unix - - - 300? - echo_daemon\n");
  EXPECT_TRUE(log_gets("woken\n"));
  EXPECT_EQ(log().find("woken\n"), log().rfind("woken\n"));
}

TEST_F(MasterTest, WarnsWhenAllSessionsAreInUse) {
  start("x unix - - - - 1 echo_daemon\n");
  Client client = Client::to_path(queue_ + "/private/x");
  client.line();
  client.echo("busy");
  EXPECT_TRUE(
      log_gets("warning: service \"x\" (private/x) has reached its process limit \"1\": new clients may "
               "experience noticeable delays"));
}

TEST_F(MasterTest, StopEndsAllProcessesAndRemovesTheSockets) {
  start("x unix - - - - - echo_daemon\n");
  Client client = Client::to_path(queue_ + "/private/x");
  client.line();
  EXPECT_FALSE(PidLock::is_free(queue_ + "/pid/master.pid"));
  EXPECT_EQ(PidLock::holder(queue_ + "/pid/master.pid"), pid_);
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(wait_for_end(), 0);
  EXPECT_EQ(client.line(), "closed");
  EXPECT_THAT(log(), HasSubstr("terminating on signal 15"));
  EXPECT_THAT(log(), Not(HasSubstr("exit status")));
  EXPECT_FALSE(std::filesystem::exists(queue_ + "/private/x"));
  EXPECT_TRUE(PidLock::is_free(queue_ + "/pid/master.pid"));
}

TEST_F(MasterTest, ChildrenEndWhenMasterIsKilled) {
  start("x unix - - - - - echo_daemon\n");
  Client client = Client::to_path(queue_ + "/private/x");
  client.line();
  ::kill(pid_, SIGKILL);
  wait_for_end();
  EXPECT_EQ(client.line(), "closed");
}

TEST_F(MasterTest, DrainWaitsForTheClientsAtTheDoor) {
  start("0 inet n - - - - echo_daemon\n");
  Client client = Client::to_port(port_of("0"));
  client.line();
  ::kill(pid_, SIGUSR1);
  ASSERT_TRUE(log_gets("terminating on signal"));
  EXPECT_EQ(client.echo("one more"), "one more");
  { const Client gone = std::move(client); }
  EXPECT_EQ(wait_for_end(), 0);
}

TEST(PidLock, IsHeldOnce) {
  char name[] = "/tmp/pid_lock.XXXXXX";
  const std::string path = std::string(::mkdtemp(name)) + "/master.pid";
  EXPECT_TRUE(PidLock::is_free(path));
  {
    const auto lock = PidLock::take(path);
    ASSERT_TRUE(lock);
    EXPECT_EQ(contents(path), fmt::format("{:>32}\n", ::getpid()));
    const auto second = PidLock::take(path);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().text,
                HasSubstr("unable to set exclusive lock: Resource temporarily unavailable"));
  }
  EXPECT_TRUE(PidLock::is_free(path));
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

}  // namespace
}  // namespace posthouse::master
