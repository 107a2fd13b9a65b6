#include "lib/peers/rewrite_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ipc/dispatcher.h"

namespace posthouse::peers {
namespace {

using namespace std::chrono_literals;

// A rewrite service that counts what it is asked.
class Service {
 public:
  Service() : path_("/tmp/posthouse-rewrite-test." + std::to_string(::getpid())) {
    ::unlink(path_.c_str());
    listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path_.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listener_.get(), 10), 0);
    dispatcher_.on<ipc::RewriteQuery>([this](const ipc::RewriteQuery& query) {
      ipc::RewriteReply reply{.addresses = {}, .max_age = max_age};
      for (const std::string& address : query.addresses) {
        asked.push_back(address);
        reply.addresses.push_back(address + "@" + query.context);
      }
      return reply;
    });
    dispatcher_.on<ipc::ResolveQuery>([this](const ipc::ResolveQuery& query) {
      ipc::ResolveReply reply{.results = {}, .max_age = max_age, .is_for_any_sender = is_for_any_sender};
      for (const std::string& address : query.recipients) {
        asked.push_back(query.sender + ">" + address);
        ipc::Resolved result;
        result.recipient = address;
        reply.results.push_back(result);
      }
      if (drops_a_result) reply.results.pop_back();
      return reply;
    });
  }
  ~Service() { ::unlink(path_.c_str()); }

  // Runs the body against this service in an event loop.
  void run(const std::function<void(RewriteClient&)>& body) {
    runtime::run([&] {
      runtime::Fiber server = runtime::spawn([this] {
        runtime::Watch watch(listener_.get(), runtime::Watch::Mode::listener);
        while (watch.readable(deadline_after(5s)) == runtime::Wake::ready) {
          ipc::Connection connection(
              runtime::Stream(UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC))));
          (void)dispatcher_.serve(connection, 5s);
        }
      });
      {
        Services services;
        services.rewrite = path_;
        RewriteClient client(services, 8);
        body(client);
      }
      server.cancel();
    });
  }

  std::vector<std::string> asked;
  std::uint32_t max_age = 100;
  bool is_for_any_sender = true;
  bool drops_a_result = false;

 private:
  std::string path_;
  UniqueFd listener_;
  ipc::Dispatcher dispatcher_;
};

Deadline soon() {
  return deadline_after(5s);
}

TEST(RewriteClient, AsksOnlyForWhatItDoesNotKnow) {
  Service service;
  service.run([&](RewriteClient& client) {
    EXPECT_EQ(*client.rewrite("local", "a", soon()), "a@local");
    EXPECT_THAT(*client.rewrite("local", std::vector<std::string>{"b", "a", "c"}, soon()),
                testing::ElementsAre("b@local", "a@local", "c@local"));
    EXPECT_EQ(*client.rewrite("remote", "a", soon()), "a@remote");
  });
  EXPECT_THAT(service.asked, testing::ElementsAre("a", "b", "c", "a"));
}

TEST(RewriteClient, DoesNotKeepWhatMustNotBeKept) {
  Service service;
  service.max_age = 0;
  service.run([&](RewriteClient& client) {
    EXPECT_TRUE(client.rewrite("local", "a", soon()));
    EXPECT_TRUE(client.rewrite("local", "a", soon()));
  });
  EXPECT_EQ(service.asked.size(), 2U);
}

TEST(RewriteClient, AsksAgainForAnotherSenderOnlyIfRoutesDependOnIt) {
  Service service;
  service.run([&](RewriteClient& client) {
    EXPECT_TRUE(client.resolve("s1", "r", soon()));
    EXPECT_TRUE(client.resolve("s2", "r", soon()));
  });
  EXPECT_EQ(service.asked.size(), 1U);
  Service dependent;
  dependent.is_for_any_sender = false;
  dependent.run([&](RewriteClient& client) {
    EXPECT_TRUE(client.resolve("s1", "r", soon()));
    EXPECT_TRUE(client.resolve("s2", "r", soon()));
    EXPECT_TRUE(client.resolve("s2", "r", soon()));
  });
  EXPECT_EQ(dependent.asked.size(), 2U);
}

TEST(RewriteClient, TheCacheForgetsTheOldest) {
  Service service;
  service.run([&](RewriteClient& client) {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(client.rewrite("local", std::to_string(i), soon()));
    EXPECT_TRUE(client.rewrite("local", "0", soon()));
    EXPECT_TRUE(client.rewrite("local", "0", soon()));
  });
  EXPECT_EQ(service.asked.size(), 21U);
}

TEST(RewriteClient, AnAnswerOfTheWrongLengthIsAFailure) {
  Service service;
  service.drops_a_result = true;
  service.run([&](RewriteClient& client) { EXPECT_FALSE(client.resolve("s", "r", soon())); });
}

}  // namespace
}  // namespace posthouse::peers
