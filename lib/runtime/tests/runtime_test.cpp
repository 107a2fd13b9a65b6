#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "lib/runtime/fiber.h"
#include "lib/runtime/offload.h"
#include "lib/runtime/stream.h"

namespace posthouse::runtime {

using namespace std::chrono_literals;

namespace {

std::pair<Stream, Stream> connected_pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return {Stream(UniqueFd(fds[0])), Stream(UniqueFd(fds[1]))};
}

}  // namespace

TEST(Fiber, RunsUntilTheLastOneEnds) {
  std::string order;
  run([&] {
    spawn([&] {
      order += 'b';
      yield();
      order += 'd';
    });
    order += 'a';
    yield();
    order += 'c';
  });
  EXPECT_EQ(order, "abcd");
}

TEST(Fiber, SleepEndsByTimeoutAndInOrder) {
  std::string order;
  run([&] {
    spawn([&] {
      EXPECT_EQ(sleep_for(20ms), Wake::timeout);
      order += '2';
    });
    spawn([&] {
      EXPECT_EQ(sleep_for(1ms), Wake::timeout);
      order += '1';
    });
  });
  EXPECT_EQ(order, "12");
}

TEST(Fiber, ALaterDeadlineAfterAnEarlierOneStillFires) {
  run([&] {
    EXPECT_EQ(sleep_for(1ms), Wake::timeout);
    EXPECT_EQ(sleep_for(10ms), Wake::timeout);
    EXPECT_EQ(sleep_for(1ms), Wake::timeout);
  });
}

TEST(Fiber, CancelWakesAndStaysForLaterWaits) {
  run([&] {
    const Fiber sleeper = spawn([&] {
      EXPECT_EQ(sleep_for(1h), Wake::cancelled);
      EXPECT_TRUE(is_cancelled());
      EXPECT_EQ(sleep_for(1h), Wake::cancelled);
    });
    yield();
    sleeper.cancel();
    yield();
    EXPECT_FALSE(sleeper.is_running());
  });
}

TEST(Fiber, StopCancelsEverybody) {
  run([&] {
    spawn([] { EXPECT_EQ(sleep_for(1h), Wake::cancelled); });
    spawn([] { stop(); });
    EXPECT_EQ(sleep_for(1h), Wake::cancelled);
  });
}

TEST(Signal, WakesOneWaiterInOrder) {
  std::string order;
  run([&] {
    Signal signal;
    for (const char name : {'1', '2'}) {
      spawn([&, name] {
        EXPECT_EQ(signal.wait(kNever), Wake::ready);
        order += name;
      });
    }
    spawn([&] { EXPECT_EQ(signal.wait(deadline_after(1ms)), Wake::timeout); });
    sleep_for(10ms);
    signal.notify_one();
    yield();
    EXPECT_EQ(order, "1");
    signal.notify_all();
    yield();
  });
  EXPECT_EQ(order, "12");
}

TEST(Semaphore, BoundsHolders) {
  int most = 0, holders = 0;
  run([&] {
    auto semaphore = std::make_shared<Semaphore>(2);
    for (int i = 0; i < 10; ++i) {
      spawn([&, semaphore] {
        ASSERT_EQ(semaphore->acquire(kNever), Wake::ready);
        most = std::max(most, ++holders);
        yield();
        --holders;
        semaphore->release();
      });
    }
  });
  EXPECT_EQ(most, 2);
}

TEST(Offload, LetsOtherFibersRun) {
  int ticks = 0;
  bool finished = false;
  run([&] {
    spawn([&] {
      while (!finished) {
        ++ticks;
        sleep_for(1ms);
      }
    });
    EXPECT_EQ(offload([] {
                std::this_thread::sleep_for(30ms);
                return 7;
              }),
              7);
    finished = true;
  });
  EXPECT_GT(ticks, 2);
}

TEST(Offload, ManyAtOnceAndCancelledOnesStay) {
  std::atomic<bool> may_end{false};
  int done = 0;
  run([&] {
    std::vector<Fiber> fibers;
    for (int i = 0; i < 32; ++i) {
      fibers.push_back(spawn([&] {
        offload([&] {
          while (!may_end) std::this_thread::sleep_for(1ms);
        });
        ++done;
        EXPECT_TRUE(is_cancelled());
      }));
    }
    yield();
    for (const Fiber& fiber : fibers) fiber.cancel();
    sleep_for(10ms);
    EXPECT_EQ(done, 0);
    may_end = true;
    while (std::ranges::any_of(fibers, &Fiber::is_running)) sleep_for(1ms);
  });
  EXPECT_EQ(done, 32);
}

TEST(Stream, CarriesBytesBothWays) {
  run([] {
    auto [a, b] = connected_pair();
    spawn([peer = std::make_shared<Stream>(std::move(b))] {
      while (peer->buffered().size() < 5) ASSERT_EQ(peer->fill(deadline_after(5s)), Io::ok);
      EXPECT_EQ(peer->buffered(), "hello");
      peer->consume(5);
      peer->write("world");
      EXPECT_EQ(peer->flush(deadline_after(5s)), Io::ok);
    });
    a.write("hello");
    EXPECT_EQ(a.flush(deadline_after(5s)), Io::ok);
    EXPECT_EQ(a.fill(deadline_after(5s)), Io::ok);
    EXPECT_EQ(a.buffered(), "world");
    a.consume(5);
    EXPECT_EQ(a.fill(deadline_after(5s)), Io::eof);
  });
}

TEST(Stream, ReadTimesOut) {
  run([] {
    auto [a, b] = connected_pair();
    EXPECT_EQ(a.fill(deadline_after(5ms)), Io::timeout);
  });
}

TEST(Stream, LargeTransferWithBackPressure) {
  const std::string payload(3'000'000, 'x');
  std::size_t received = 0;
  run([&] {
    auto [a, b] = connected_pair();
    spawn([&, peer = std::make_shared<Stream>(std::move(b))] {
      while (peer->fill(deadline_after(5s)) == Io::ok) {
        received += peer->buffered().size();
        peer->consume(peer->buffered().size());
      }
    });
    a.write(payload);
    EXPECT_EQ(a.flush(deadline_after(5s)), Io::ok);
  });
  EXPECT_EQ(received, payload.size());
}

TEST(Stream, FullBufferDoesNotReadMore) {
  run([] {
    auto [a, b] = connected_pair();
    b.write(std::string(5000, 'y'));
    EXPECT_EQ(b.flush(deadline_after(5s)), Io::ok);
    EXPECT_EQ(a.fill(deadline_after(5s), 100), Io::ok);
    EXPECT_EQ(a.buffered().size(), 100u);
    EXPECT_EQ(a.fill(deadline_after(5s), 100), Io::ok);
    EXPECT_EQ(a.buffered().size(), 100u);
  });
}

TEST(Connect, RefusedIsAPlainText) {
  run([] {
    const auto stream = connect_tcp("127.0.0.1", 1, deadline_after(5s));
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().text, "Connection refused");
    EXPECT_EQ(stream.error().verdict, Verdict::defer);
  });
}

TEST(Stream, WorksOutsideFibers) {
  auto [a, b] = connected_pair();
  a.write("x");
  EXPECT_EQ(a.flush(deadline_after(1s)), Io::ok);
  EXPECT_EQ(b.fill(deadline_after(1s)), Io::ok);
  EXPECT_EQ(b.buffered(), "x");
}

}  // namespace posthouse::runtime
