#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "lib/ipc/connection.h"
#include "lib/ipc/messages/verify.h"
#include "lib/log/logger.h"
#include "lib/service/arguments.h"
#include "lib/service/handover.h"
#include "lib/service/sessions.h"

namespace posthouse::service {

using namespace std::chrono_literals;

TEST(Arguments, AreWhatMasterSends) {
  const auto arguments =
      parse_arguments({"/usr/libexec/posthouse/smtpd", "-n", "127.0.0.1:25", "-t", "inet", "-u", "-c", "-o",
                       "stress=", "-s", "2", "-z", "50", "-oa=b", "-vvT"});
  ASSERT_TRUE(arguments) << arguments.error().text;
  EXPECT_EQ(arguments->process_name, "smtpd");
  EXPECT_EQ(arguments->service_name, "127.0.0.1:25");
  EXPECT_TRUE(arguments->drops_privileges);
  EXPECT_TRUE(arguments->is_chrooted);
  EXPECT_EQ(arguments->overrides, (std::vector<std::string>{"stress=", "a=b"}));
  EXPECT_EQ(arguments->listeners, 2u);
  EXPECT_EQ(arguments->session_limit, 50u);
  EXPECT_TRUE(arguments->is_trial);
}

TEST(Arguments, MistakesAreNamed) {
  EXPECT_EQ(parse_arguments({"x", "-s", "many"}).error().text,
            "bad value \"many\" for -s: expected a number");
  EXPECT_EQ(parse_arguments({"x", "-n"}).error().text, "option -n needs a value");
  EXPECT_EQ(parse_arguments({"x", "-q"}).error().text, "option -q needs a value");
  EXPECT_EQ(parse_arguments({"x", "y"}).error().text, "unexpected argument \"y\"");
}

// Lines of a turn are written before a message of that turn leaves; when they cannot be, it leaves all the
// same.
TEST(LogAndIpc, AFullDiskUnderTheLogHoldsBackNoMessage) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  log::Logger logger;
  logger.add_sink(log::fd_sink(full.get()));
  logger.set_buffered(true);
  runtime::run([&] {
    runtime::at_end_of_turn([&logger] { logger.flush(); });
    ipc::Connection here{runtime::Stream(UniqueFd(fds[0]))}, there{runtime::Stream(UniqueFd(fds[1]))};
    for (const char* address : {"a", "b", "c"}) {
      for (int line = 0; line < 1000; ++line) logger.write(log::Severity::info, "a line of this turn");
      here.send(ipc::VerifyQuery{address});
    }
    ASSERT_TRUE(here.flush(deadline_after(5s)));
    for (const char* address : {"a", "b", "c"}) {
      const auto query = there.expect<ipc::VerifyQuery>(deadline_after(5s));
      ASSERT_TRUE(query);
      EXPECT_EQ(query->address, address);
    }
  });
}

void send_byte(int socket, int passed) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (passed >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof passed);
    std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
  }
  ASSERT_EQ(::sendmsg(socket, &message, 0), 1);
}

TEST(Handover, TheClientComesWithAByte) {
  int control[2], client[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client), 0);
  const UniqueFd sender(control[0]), receiver(control[1]), near(client[0]);
  UniqueFd far(client[1]);
  send_byte(sender.get(), far.get());
  far.reset();
  const UniqueFd passed = receive_descriptor(receiver.get());
  ASSERT_TRUE(passed);
  EXPECT_EQ(::fcntl(passed.get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(passed.get(), "220", 3), 3);
  char greeting[4] = {};
  EXPECT_EQ(::read(near.get(), greeting, 3), 3);
  EXPECT_STREQ(greeting, "220");
}

TEST(Handover, AByteAloneOrNothingIsNoClient) {
  int control[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
  UniqueFd sender(control[0]);
  const UniqueFd receiver(control[1]);
  send_byte(sender.get(), -1);
  EXPECT_FALSE(receive_descriptor(receiver.get()));
  sender.reset();
  EXPECT_FALSE(receive_descriptor(receiver.get()));
}

TEST(Sessions, TellWhenTheyAreFullAndWaitForTheEnd) {
  runtime::run([] {
    Sessions sessions;
    sessions.set_limit(2);
    std::string seen;
    sessions.on_full = [&](bool full) { seen += full ? 'b' : 'a'; };
    for (int i = 0; i < 2; ++i) sessions.begin([] { runtime::sleep_for(5ms); });
    EXPECT_TRUE(sessions.is_full());
    sessions.wait_for_room();
    EXPECT_FALSE(sessions.is_full());
    sessions.wait_for_end(runtime::Fiber::Idle::between_requests, deadline_after(5s));
    EXPECT_EQ(sessions.in_use(), 0u);
    EXPECT_EQ(sessions.served(), 2u);
    EXPECT_EQ(seen, "ba");
  });
}

TEST(Sessions, ADrainCutsIdleConnectionsButNoClients) {
  runtime::run([] {
    Sessions sessions;
    bool cut = false, client_cut = false;
    sessions.begin([&] {
      const runtime::IdleScope idle;
      cut = runtime::sleep_for(1h) == runtime::Wake::cancelled;
    });
    sessions.begin([&] {
      const runtime::IdleScope idle(runtime::Fiber::Idle::waiting_for_client);
      client_cut = runtime::sleep_for(100ms) == runtime::Wake::cancelled;
    });
    sessions.wait_for_end(runtime::Fiber::Idle::between_requests, deadline_after(5s));
    EXPECT_TRUE(cut);
    EXPECT_FALSE(client_cut);
    EXPECT_EQ(sessions.in_use(), 0u);
  });
}

}  // namespace posthouse::service
