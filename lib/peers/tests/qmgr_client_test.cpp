#include "lib/peers/qmgr_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "lib/runtime/fiber.h"

namespace posthouse::peers {
namespace {

UniqueFd listening(const std::string& path, int backlog) {
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener.get(), backlog), 0);
  return listener;
}

TEST(QmgrClient, TriggersAreBytesOnAConnection) {
  std::string pattern = (std::filesystem::temp_directory_path() / "qmgr_client_XXXXXX").string();
  const std::filesystem::path directory = ::mkdtemp(pattern.data());
  const std::string path = directory / "qmgr";
  const UniqueFd listener = listening(path, 1);
  ASSERT_TRUE(QmgrClient::trigger_blocking(path, "ADF", std::chrono::seconds(5)));
  const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  char buffer[16] = {};
  EXPECT_EQ(::read(accepted.get(), buffer, sizeof buffer), 3);
  EXPECT_STREQ(buffer, "ADF");
  EXPECT_EQ(::read(accepted.get(), buffer, sizeof buffer), 0);
  std::filesystem::remove_all(directory);
}

TEST(QmgrClient, TriggersGoToAFifoAsWell) {
  std::string pattern = (std::filesystem::temp_directory_path() / "qmgr_client_XXXXXX").string();
  const std::filesystem::path directory = ::mkdtemp(pattern.data());
  const std::string path = directory / "qmgr";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(QmgrClient::trigger_blocking(path, "W", std::chrono::seconds(5)).error().text,
            "connect to " + path + ": No such device or address");  // nobody reads
  const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_TRUE(QmgrClient::trigger_blocking(path, "ADF", std::chrono::seconds(5)));
  std::string arrived;
  runtime::run([&] { arrived = QmgrClient(path).arrived("ABCDEF") ? "told" : "not told"; });
  EXPECT_EQ(arrived, "told");
  char buffer[16] = {};
  EXPECT_EQ(::read(reader.get(), buffer, sizeof buffer), 4);
  EXPECT_STREQ(buffer, "ADFI");
  std::filesystem::remove_all(directory);
}

TEST(QmgrClient, WaitsForAListenerThatIsBusyButNotForEver) {
  const std::string path = "/tmp/posthouse-busy-test." + std::to_string(::getpid());
  const UniqueFd listener = listening(path, 0);
  while (QmgrClient::trigger_blocking(path, "W", std::chrono::milliseconds(0))) {
  }
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(QmgrClient::trigger_blocking(path, "W", std::chrono::milliseconds(50)));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(50));
  ::unlink(path.c_str());
}

TEST(QmgrClient, NobodyThereIsAFailure) {
  const auto sent = QmgrClient::trigger_blocking("/nonexistent/qmgr", "W", std::chrono::seconds(1));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().text, "connect to /nonexistent/qmgr: No such file or directory");
}

}  // namespace
}  // namespace posthouse::peers
