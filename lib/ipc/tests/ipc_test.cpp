#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ipc/client.h"
#include "lib/ipc/dispatcher.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/ipc/messages/verify.h"

namespace posthouse::ipc {

using namespace std::chrono_literals;

namespace {

class Server {
 public:
  Server() {
    path = "/tmp/posthouse-ipc-test." + std::to_string(::getpid());
    ::unlink(path.c_str());
    listener = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listener.get(), 10), 0);
  }
  ~Server() { ::unlink(path.c_str()); }
  runtime::Stream accept() const {
    runtime::Watch watch(listener.get(), runtime::Watch::Mode::listener);
    EXPECT_EQ(watch.readable(deadline_after(5s)), runtime::Wake::ready);
    return runtime::Stream(UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }

  std::string path;
  UniqueFd listener;
};

// Answers on one connection after another; counts them.
class Answering {
 public:
  explicit Answering(Server& server) : server_(server) {
    dispatcher_.on<VerifyQuery>([](const VerifyQuery& query) {
      if (query.address == "slow") runtime::sleep_for(30ms);
      return VerifyReply{VerifyStatus::deliverable, "re: " + query.address};
    });
  }
  void start(int connections) {
    serving_ = runtime::spawn([this, connections] {
      while (ended < connections) {
        Connection connection(server_.accept());
        ++accepted;
        EXPECT_TRUE(dispatcher_.serve(connection, 10s));
        ++ended;
      }
    });
  }
  bool is_running() const { return serving_.is_running(); }
  int accepted = 0, ended = 0;

 private:
  Server& server_;
  Dispatcher dispatcher_;
  runtime::Fiber serving_;
};

std::string answer(Client& client, const std::string& address) {
  const auto reply = client.ask<VerifyReply>(VerifyQuery{address}, deadline_after(5s));
  return reply ? reply->text : reply.error().text;
}

}  // namespace

TEST(Codec, CarriesEveryKindOfField) {
  DeliveryRequest request;
  request.queue_id = "4jXK1l5HcTz1fCQB";
  request.arrival_time = -5;
  request.data_size = std::int64_t{1} << 40;
  request.recipients = {{704, "a@b", "c@d", "rfc822;a@b", 6}, {}};
  request.client = {{"client_name", "x"}};
  std::string bytes;
  encode(request, bytes);
  const auto copy = decode<DeliveryRequest>(bytes);
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->queue_id, request.queue_id);
  EXPECT_EQ(copy->arrival_time, -5);
  EXPECT_EQ(copy->data_size, request.data_size);
  ASSERT_EQ(copy->recipients.size(), 2u);
  EXPECT_EQ(copy->recipients[0].notify, 6u);
  EXPECT_FALSE(decode<DeliveryRequest>(bytes + "x")) << "left-over bytes";
  EXPECT_FALSE(decode<DeliveryRequest>(bytes.substr(0, bytes.size() - 1))) << "truncated";

  DeliveryReply reply;
  reply.outcomes = {Outcome::bounced};
  reply.destination = DeliveryFailure{"4.4.1", "no"};
  bytes.clear();
  encode(reply, bytes);
  EXPECT_EQ(decode<DeliveryReply>(bytes)->destination->text, "no");
}

TEST(Codec, RefusesCountsBeyondTheBytes) {
  EXPECT_FALSE(decode<RewriteReply>(std::string("\xFF\xFF\xFF\x7F", 4)));
  EXPECT_FALSE(decode<RewriteReply>(""));
}

TEST(Client, MatchesRepliesThatComeOutOfOrder) {
  Server server;
  runtime::run([&] {
    Dispatcher dispatcher;
    dispatcher.on<VerifyQuery>([](const VerifyQuery& query) {
      if (query.address == "slow") runtime::sleep_for(20ms);
      return VerifyReply{VerifyStatus::deliverable, "re: " + query.address};
    });
    const runtime::Fiber serving = runtime::spawn([&] {
      Connection connection(server.accept());
      EXPECT_TRUE(dispatcher.serve(connection, 5s));
    });
    Client client(server.path);
    std::string order;
    const runtime::Fiber slow = runtime::spawn([&] {
      EXPECT_EQ((client.ask<VerifyReply>(VerifyQuery{"slow"}, deadline_after(5s))->text), "re: slow");
      order += "s";
    });
    EXPECT_EQ((client.ask<VerifyReply>(VerifyQuery{"quick"}, deadline_after(5s))->text), "re: quick");
    order += "q";
    while (slow.is_running()) runtime::sleep_for(1ms);
    EXPECT_EQ(order, "qs");
    client.disconnect();
    while (serving.is_running()) runtime::sleep_for(1ms);
  });
}

TEST(Dispatcher, MayBeCutBetweenQuestionsButNotDuringOne) {
  Server server;
  runtime::run([&] {
    Dispatcher dispatcher;
    runtime::Fiber serving;
    dispatcher.on<VerifyQuery>([&](const VerifyQuery& query) {
      runtime::sleep_for(1ms);  // serve() waits for the next question meanwhile
      serving.interrupt_if_idle(runtime::Fiber::Idle::between_requests);
      return VerifyReply{VerifyStatus::deliverable, "re: " + query.address};
    });
    serving = runtime::spawn([&] {
      Connection connection(server.accept());
      EXPECT_TRUE(dispatcher.serve(connection, 1h));
    });
    Client client(server.path);
    for (const std::string address : {"a", "b"}) {
      EXPECT_EQ((client.ask<VerifyReply>(VerifyQuery{address}, deadline_after(5s))->text), "re: " + address);
    }
    for (const Deadline end = deadline_after(10s);
         serving.is_running() && std::chrono::steady_clock::now() < end;) {
      serving.interrupt_if_idle(runtime::Fiber::Idle::between_requests);
      runtime::sleep_for(1ms);
    }
    EXPECT_FALSE(serving.is_running());
    client.disconnect();
  });
}

TEST(Client, AsksAgainWhenTheServerWentAway) {
  Server server;
  runtime::run([&] {
    const runtime::Fiber serving = runtime::spawn([&] {
      {
        Connection first(server.accept());
        EXPECT_TRUE(first.receive(deadline_after(5s)));
      }
      Connection second(server.accept());
      const auto frame = second.receive(deadline_after(5s));
      ASSERT_TRUE(frame);
      second.send(VerifyReply{VerifyStatus::undeliverable, "here"}, frame->id);
      EXPECT_TRUE(second.flush(deadline_after(5s)));
    });
    Client client(server.path);
    const auto reply = client.ask<VerifyReply>(VerifyQuery{"x"}, deadline_after(5s));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text, "here");
    client.disconnect();
  });
}

TEST(Client, NamesThePathWhenNobodyListens) {
  runtime::run([] {
    Client client("private/nobody-here");
    const auto reply = client.ask<VerifyReply>(VerifyQuery{"x"}, deadline_after(1s));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().text, "connect to private/nobody-here: No such file or directory");
  });
}

TEST(Client, AnUnusedConnectionIsClosed) {
  Server server;
  runtime::run([&] {
    Answering service(server);
    service.start(2);
    Client client(server.path, {.idle = 10ms, .lifetime = 10s});
    for (int round = 1; round <= 2; ++round) {
      EXPECT_EQ(answer(client, "slow"), "re: slow") << "not closed while an answer is due";
      while (service.ended < round) runtime::sleep_for(1ms);
      EXPECT_EQ(service.accepted, round);
    }
  });
}

TEST(Client, AnOldConnectionIsReplacedAlsoWhileItIsUsed) {
  Server server;
  runtime::run([&] {
    Answering first(server), second(server);
    first.start(1);
    Client client(server.path, {.idle = 50ms, .lifetime = 5ms});
    const runtime::Fiber slow = runtime::spawn([&] { EXPECT_EQ(answer(client, "slow"), "re: slow"); });
    runtime::sleep_for(10ms);
    second.start(1);
    EXPECT_EQ(answer(client, "quick"), "re: quick");
    EXPECT_EQ(second.accepted, 1);
    while (slow.is_running()) runtime::sleep_for(1ms);
    while (first.is_running()) runtime::sleep_for(1ms);
    client.disconnect();
  });
}

TEST(Client, DeadlineEndsTheWait) {
  Server server;
  runtime::run([&] {
    const runtime::Fiber serving = runtime::spawn([&] {
      runtime::Stream silent = server.accept();
      runtime::sleep_for(100ms);
    });
    Client client(server.path);
    EXPECT_FALSE((client.ask<VerifyReply>(VerifyQuery{"x"}, deadline_after(10ms))));
    client.disconnect();
  });
}

TEST(Connection, WhatWasLoggedIsWrittenBeforeThePeerIsTold) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  runtime::run([&] {
    auto is_written = std::make_shared<bool>(false);
    runtime::at_end_of_turn([is_written] { *is_written = true; });
    Connection here{runtime::Stream(UniqueFd(fds[0]))};
    *is_written = false;
    here.send(VerifyQuery{"x"});
    EXPECT_TRUE(here.flush(deadline_after(1s)));
    EXPECT_TRUE(*is_written);
  });
  ::close(fds[1]);
}

TEST(Pool, ReusesAndDropsDeadConnections) {
  Server server;
  runtime::run([&] {
    int accepted = 0;
    const runtime::Fiber serving = runtime::spawn([&] {
      for (; accepted < 2;) {
        Connection connection(server.accept());
        ++accepted;
        (void)connection.receive(deadline_after(5s));
      }
    });
    Pool pool(server.path);
    {
      auto connection = pool.take(deadline_after(1s));
      ASSERT_TRUE(connection);
      pool.give_back(std::move(*connection));
    }
    auto again = pool.take(deadline_after(1s));
    ASSERT_TRUE(again);
    runtime::sleep_for(5ms);
    EXPECT_EQ(accepted, 1);
    again->send(VerifyQuery{"x"});
    EXPECT_TRUE(again->flush(deadline_after(1s)));
    runtime::sleep_for(5ms);  // the server closes after one message
    pool.give_back(std::move(*again));
    EXPECT_TRUE(pool.take(deadline_after(1s)));
    runtime::sleep_for(5ms);
    EXPECT_EQ(accepted, 2);
  });
}

// A request may be on its way when the process that waits for it drains: it is served, and the next one goes
// elsewhere.
TEST(Pool, UnusedAndOldConnectionsAreClosed) {
  for (const Keeping keeping :
       {Keeping{.idle = 10ms, .lifetime = 10s}, Keeping{.idle = 10s, .lifetime = 0ms}}) {
    Server server;
    runtime::run([&] {
      Answering service(server);
      service.start(2);
      Pool pool(server.path, keeping);
      for (int round = 1; round <= 2; ++round) {
        auto connection = pool.take(deadline_after(5s));
        ASSERT_TRUE(connection);
        EXPECT_TRUE(connection->ask<VerifyReply>(VerifyQuery{"x"}, deadline_after(5s)));
        pool.give_back(std::move(*connection));
        while (service.ended < round) runtime::sleep_for(1ms);
      }
    });
  }
}

TEST(Pool, NothingIsLostWhenTheServerDrains) {
  Server server;
  runtime::run([&] {
    std::vector<std::string> served;
    const auto serve = [&] {
      Connection connection(server.accept());
      for (;;) {
        auto request = connection.next_request(deadline_after(5s));
        if (!request) return;
        served.push_back(request->as<VerifyQuery>()->address);
        EXPECT_FALSE(connection.stream().is_hung_up());
        runtime::sleep_for(2ms);  // waits are not cut while a request is served
        connection.send(VerifyReply{VerifyStatus::deliverable, served.back()});
        EXPECT_TRUE(connection.flush(deadline_after(1s)));
      }
    };
    const runtime::Fiber old = runtime::spawn(serve);
    Pool pool(server.path);
    auto connection = pool.begin(VerifyQuery{"one"}, deadline_after(1s));
    ASSERT_TRUE(connection);
    EXPECT_TRUE(connection->expect<VerifyReply>(deadline_after(1s)));
    connection->send(VerifyQuery{"two"});
    ASSERT_TRUE(connection->flush(deadline_after(1s)));
    old.interrupt_if_idle(runtime::Fiber::Idle::between_requests);
    EXPECT_EQ(connection->expect<VerifyReply>(deadline_after(1s))->text, "two");
    pool.give_back(std::move(*connection));

    const runtime::Fiber fresh = runtime::spawn(serve);
    auto other = pool.begin(VerifyQuery{"three"}, deadline_after(1s));
    ASSERT_TRUE(other) << other.error().text;
    EXPECT_EQ(other->expect<VerifyReply>(deadline_after(1s))->text, "three");
    while (old.is_running()) runtime::sleep_for(1ms);
    EXPECT_THAT(served, testing::ElementsAre("one", "two", "three"));
  });
}

TEST(Pool, AnIdleConnectionEndsWhenTheServerDrains) {
  Server server;
  runtime::run([&] {
    const runtime::Fiber serving = runtime::spawn([&] {
      Connection connection(server.accept());
      EXPECT_FALSE(connection.next_request(deadline_after(5s)));
    });
    Pool pool(server.path);
    auto connection = pool.take(deadline_after(1s));
    runtime::sleep_for(5ms);
    serving.interrupt_if_idle(runtime::Fiber::Idle::between_requests);
    runtime::sleep_for(1ms);
    EXPECT_FALSE(serving.is_running());
    EXPECT_TRUE(connection->stream().is_hung_up());
    connection->send(VerifyQuery{"x"});
    const auto sent = connection->flush(deadline_after(1s));
    ASSERT_FALSE(sent);
    EXPECT_TRUE(Connection::was_not_heard(sent.error()));
  });
}

TEST(Pool, NoOtherConnectionIsTriedWhenTheTimeIsUp) {
  Server server;
  runtime::run([&] {
    Pool pool(server.path);
    auto first = pool.take(deadline_after(1s));
    ASSERT_TRUE(first);
    Connection peer(server.accept());
    pool.give_back(std::move(*first));
    peer.stream().shutdown_read();
    const auto late = pool.begin(VerifyQuery{"x"}, std::chrono::steady_clock::now() - 1s);
    ASSERT_FALSE(late);
    EXPECT_TRUE(Connection::was_not_heard(late.error()));
  });
}

}  // namespace posthouse::ipc
