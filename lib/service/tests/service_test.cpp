#include <gtest/gtest.h>

#include "lib/service/arguments.h"
#include "lib/service/sessions.h"

namespace posthouse::service {

using namespace std::chrono_literals;

TEST(Arguments, AreWhatMasterSends) {
  const auto arguments =
      parse_arguments({"/usr/libexec/posthouse/smtpd", "-n", "127.0.0.1:25", "-t", "inet", "-u", "-c", "-o",
                       "stress=", "-s", "2", "-z", "50", "-oa=b", "-vv"});
  ASSERT_TRUE(arguments) << arguments.error().text;
  EXPECT_EQ(arguments->process_name, "smtpd");
  EXPECT_EQ(arguments->service_name, "127.0.0.1:25");
  EXPECT_TRUE(arguments->drops_privileges);
  EXPECT_TRUE(arguments->is_chrooted);
  EXPECT_EQ(arguments->overrides, (std::vector<std::string>{"stress=", "a=b"}));
  EXPECT_EQ(arguments->listeners, 2u);
  EXPECT_EQ(arguments->session_limit, 50u);
  EXPECT_EQ(arguments->verbose, 2);
}

TEST(Arguments, MistakesAreNamed) {
  EXPECT_EQ(parse_arguments({"x", "-s", "many"}).error().text,
            "bad value \"many\" for -s: expected a number");
  EXPECT_EQ(parse_arguments({"x", "-n"}).error().text, "option -n needs a value");
  EXPECT_EQ(parse_arguments({"x", "-q"}).error().text, "option -q needs a value");
  EXPECT_EQ(parse_arguments({"x", "y"}).error().text, "unexpected argument \"y\"");
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
