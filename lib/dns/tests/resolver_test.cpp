#include "lib/dns/resolver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "lib/base/unique_fd.h"
#include "lib/runtime/fiber.h"
#include "lib/runtime/watch.h"

namespace posthouse::dns {
namespace {

using namespace std::chrono_literals;

TEST(Forwarder, AddressAndPort) {
  EXPECT_EQ(forwarder_of("127.0.0.1"), "127.0.0.1@53");
  EXPECT_EQ(forwarder_of("127.0.0.1:5353"), "127.0.0.1@5353");
  EXPECT_EQ(forwarder_of("::1"), "::1@53");
  EXPECT_EQ(forwarder_of("[::1]:5353"), "::1@5353");
  for (auto bad : {"", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:0", "[::1", "[::1]5"})
    EXPECT_FALSE(forwarder_of(bad)) << bad;
}

TEST(Resolver, RefusesBadServers) {
  EXPECT_FALSE(Resolver::create({.servers = "nonsense"}));
}

TEST(Reply, Texts) {
  Reply reply{
      .outcome = Outcome::no_host, .name = "d.test", .type = Type::mx, .final_name = {}, .records = {}};
  EXPECT_EQ(reply.text(),
            "Host or domain name not found. Name service error for name=d.test type=MX: Host not found");
  reply.outcome = Outcome::temporary;
  EXPECT_EQ(reply.reason(), "Host not found, try again");
}

// A server for one test: answers every query with the rcode, and with an A record 127.0.0.9 if it is 0. A
// negative rcode means silence.
class Server {
 public:
  explicit Server(int rcode) : rcode_(rcode), fd_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    fiber_ = runtime::spawn([this] { serve(); });
  }
  ResolverSettings settings() const { return {.servers = fmt::format("127.0.0.1:{}", port_)}; }
  void stop() {
    fiber_.cancel();
    while (fiber_.is_running()) runtime::yield();
  }

 private:
  void serve() {
    runtime::Watch watch(fd_.get());
    while (watch.readable(deadline_after(30s)) == runtime::Wake::ready) {
      char packet[512];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      ssize_t got = 0;
      while ((got = ::recvfrom(fd_.get(), packet, sizeof packet, MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&from), &size)) > 12)
        if (rcode_ >= 0) answer(std::string(packet, static_cast<std::size_t>(got)), from);
    }
  }
  void answer(std::string packet, const sockaddr_in& to) {
    std::size_t end = 12;
    while (packet[end] != 0) end += 1 + static_cast<unsigned char>(packet[end]);
    const bool is_a = packet[end + 2] == 1;
    packet.resize(end + 5);
    packet[2] = static_cast<char>(0x84);
    packet[3] = static_cast<char>(0x80 | rcode_);
    packet[7] = rcode_ == 0 && is_a ? 1 : 0;
    packet[6] = packet[8] = packet[9] = packet[10] = packet[11] = 0;
    if (packet[7] == 1) packet += std::string("\xC0\x0C\0\1\0\1\0\0\0\x3C\0\4\x7F\0\0\x09", 16);
    ::sendto(fd_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  int rcode_;
  UniqueFd fd_;
  std::uint16_t port_ = 0;
  runtime::Fiber fiber_;
};

void with_server(int rcode, const std::function<void(Resolver&)>& test) {
  runtime::run([&] {
    Server server(rcode);
    auto resolver = Resolver::create(server.settings());
    ASSERT_TRUE(resolver) << resolver.error().text;
    test(**resolver);
    resolver->reset();
    server.stop();
    runtime::stop();
  });
}

TEST(Resolver, TellsFoundFromNoData) {
  with_server(0, [](Resolver& resolver) {
    auto found = resolver.query("mx.d.test", Type::a, deadline_after(10s));
    EXPECT_EQ(found.outcome, Outcome::found) << found.text();
    ASSERT_EQ(found.records.size(), 1u);
    EXPECT_EQ(found.records[0].value, "127.0.0.9");
    EXPECT_EQ(resolver.query("mx.d.test", Type::mx, deadline_after(10s)).outcome, Outcome::no_data);
  });
}

TEST(Resolver, AsksForTheAsciiForm) {
  with_server(0, [](Resolver& resolver) {
    const auto found = resolver.query("b\u00fccher.test", Type::a, deadline_after(10s));
    EXPECT_EQ(found.outcome, Outcome::found) << found.text();
    EXPECT_EQ(found.name, "xn--bcher-kva.test");
    EXPECT_EQ(found.final_name, "xn--bcher-kva.test");
    EXPECT_EQ(resolver.query("b\xfc.test", Type::a, deadline_after(10s)).outcome, Outcome::no_host);
  });
}

TEST(Resolver, AnswersManyFibersAtOnce) {
  with_server(0, [](Resolver& resolver) {
    int found = 0, ended = 0;
    runtime::Signal all;
    for (int i = 0; i < 50; ++i)
      runtime::spawn([&, i] {
        if (resolver.query(fmt::format("h{}.test", i), Type::a, deadline_after(10s)).outcome ==
            Outcome::found)
          ++found;
        if (++ended == 50) all.notify_all();
      });
    while (ended < 50) ASSERT_EQ(all.wait(deadline_after(20s)), runtime::Wake::ready);
    EXPECT_EQ(found, 50);
  });
}

TEST(Resolver, TellsNoHostFromTrouble) {
  with_server(3, [](Resolver& resolver) {
    EXPECT_EQ(resolver.query("x.test", Type::mx, deadline_after(10s)).outcome, Outcome::no_host);
    EXPECT_EQ(resolver.query("bad..name", Type::mx, deadline_after(10s)).outcome, Outcome::no_host);
    EXPECT_EQ(resolver.query("127.0.0.1", Type::a, deadline_after(10s)).outcome, Outcome::no_host);
  });
  with_server(2, [](Resolver& resolver) {
    EXPECT_EQ(resolver.query("x.test", Type::mx, deadline_after(30s)).outcome, Outcome::temporary);
  });
}

TEST(Resolver, AnswersAgainAfterTheLastQuestionGaveUp) {
  with_server(-1, [](Resolver& resolver) {
    EXPECT_EQ(resolver.query("x.test", Type::a, deadline_after(10ms)).outcome, Outcome::temporary);
    // Answered by the resolver itself.
    EXPECT_EQ(resolver.query("localhost", Type::a, deadline_after(20s)).outcome, Outcome::found);
  });
}

TEST(Resolver, GivesUpAtTheDeadline) {
  with_server(-1, [](Resolver& resolver) {
    EXPECT_EQ(resolver.query("x.test", Type::mx, deadline_after(50ms)).outcome, Outcome::temporary);
  });
}

}  // namespace
}  // namespace posthouse::dns
