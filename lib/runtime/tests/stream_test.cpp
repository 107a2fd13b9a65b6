#include "lib/runtime/stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>

#include "lib/runtime/fiber.h"

namespace posthouse::runtime {

using namespace std::chrono_literals;

namespace {

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ours = std::make_unique<Stream>(UniqueFd(fds[0]));
    theirs = std::make_unique<Stream>(UniqueFd(fds[1]));
  }
  void they_say(std::string_view bytes) const {
    theirs->write(bytes);
    EXPECT_EQ(theirs->flush(deadline_after(1s)), Io::ok);
  }
  // What we have after `count` bytes, or less when the stream ends.
  std::string hear(std::size_t count) const {
    while (ours->buffered().size() < count) {
      if (ours->fill(deadline_after(1s), std::max<std::size_t>(count, 1024)) != Io::ok) break;
    }
    std::string heard(ours->buffered().substr(0, count));
    ours->consume(heard.size());
    return heard;
  }

  std::unique_ptr<Stream> ours, theirs;
};

// Lets the loop collect what the kernel has to report.
void take_a_turn() {
  yield();
  yield();
}

}  // namespace

TEST(StreamEnd, SeenWhenItCameWithTheBytes) {
  run([] {
    const Pair pair;
    pair.they_say("last");
    pair.theirs->close();
    EXPECT_EQ(pair.hear(4), "last");
    EXPECT_EQ(pair.ours->fill(deadline_after(1s)), Io::eof);
    EXPECT_EQ(pair.ours->fill(deadline_after(1s)), Io::eof);
  });
}

TEST(StreamEnd, SeenWhenItWasReportedBeforeTheBytesWereRead) {
  run([] {
    const Pair pair;
    pair.they_say("last");
    pair.theirs->close();
    take_a_turn();
    EXPECT_EQ(pair.hear(4), "last");
    EXPECT_EQ(pair.ours->fill(deadline_after(1s)), Io::eof);
  });
}

TEST(StreamEnd, SeenByWhoWaitsAfterAShortRead) {
  run([] {
    const Pair pair;
    pair.they_say("last");
    EXPECT_EQ(pair.hear(4), "last");
    spawn([&pair] { pair.theirs->shutdown_write(); });
    EXPECT_EQ(pair.ours->fill(deadline_after(1s)), Io::eof);
  });
}

TEST(StreamInput, NothingIsMissedHoweverReadingAndWritingInterleave) {
  run([] {
    const Pair pair;
    for (int round = 0; round < 200; ++round) {
      if (round % 2 == 0) pair.they_say("a");
      if (round % 3 == 0) take_a_turn();
      if (round % 5 < 2) {
        pair.they_say("b");
      } else {
        spawn([&pair] { pair.they_say("b"); });
      }
      const std::string expected = round % 2 == 0 ? "ab" : "b";
      ASSERT_EQ(pair.hear(expected.size()), expected) << round;
    }
  });
}

TEST(StreamInput, ALimitSmallerThanWhatCameLosesNothing) {
  run([] {
    const Pair pair;
    pair.they_say("0123456789");
    for (const char* part : {"0123", "4567"}) {
      EXPECT_EQ(pair.ours->fill(deadline_after(1s), 4), Io::ok);
      EXPECT_EQ(pair.ours->buffered(), part);
      pair.ours->consume(4);
    }
    EXPECT_EQ(pair.ours->fill(deadline_after(1s), 4), Io::ok);
    EXPECT_EQ(pair.ours->buffered(), "89");
  });
}

TEST(StreamOutput, BlocksAndGoesOnAgainAndAgain) {
  run([] {
    const Pair pair;
    const std::string burst(2 << 20, 'x');
    for (int round = 0; round < 3; ++round) {
      spawn([&pair, &burst] { pair.they_say(burst); });
      take_a_turn();
      ASSERT_EQ(pair.hear(burst.size()).size(), burst.size());
      take_a_turn();  // what was reported to nobody must not be taken for the next readiness
    }
  });
}

TEST(StreamOutput, TellsThatThePeerIsGoneWhileBlocked) {
  run([] {
    Pair pair;
    pair.theirs->write(std::string(2 << 20, 'x'));
    spawn([&pair] { pair.ours->close(); });
    EXPECT_EQ(pair.theirs->flush(deadline_after(1s)), Io::error);
    EXPECT_EQ(pair.theirs->last_error(), EPIPE);
  });
}

}  // namespace posthouse::runtime
