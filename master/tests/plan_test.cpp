#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "master/ports_file.h"
#include "master/service_plan.h"
#include "master/shutdown.h"
#include "master/throttle.h"
#include "master/whole_file.h"

namespace posthouse::master {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

config::MasterEntry entry(std::string_view text) {
  return config::parse_master_cf(text, "master.cf")->entries.front();
}

Settings settings() {
  Settings settings;
  settings.daemon_directory = "/daemons";
  return settings;
}

TEST(WholeFile, SaysWhyItCouldNotBeWritten) {
  const std::string path = testing::TempDir() + "whole_file." + std::to_string(::getpid());
  ASSERT_TRUE(replace_file(path, "old", 0644));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto written = replace_file(path, "more than ten bytes", 0644);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().text, "write " + path + ".new: File too large");
  std::string content;
  std::getline(std::ifstream(path), content);
  EXPECT_EQ(content, "old");
}

TEST(ServicePlan, StartsAProcessPerCoreWhenTheSessionsAreMany) {
  const ServicePlan plan = plan_service(entry("smtp inet n - n - - smtpd -o a=b"), settings(), {.cores = 4});
  EXPECT_EQ(plan.processes, 4u);
  EXPECT_EQ(plan.sessions, 20000u);
  EXPECT_EQ(plan.path, "/daemons/smtpd");
  EXPECT_THAT(plan.argv(0, 2),
              ElementsAre("smtpd", "-n", "smtp", "-t", "inet", "-u", "-s", "2", "-z", "5000", "-o", "a=b"));
}

TEST(ServicePlan, DividesAnExplicitLimitAmongTheProcesses) {
  const ServicePlan some = plan_service(entry("smtp inet n - n - 23 smtpd"), settings(), {.cores = 2});
  EXPECT_EQ(some.processes, 2u);
  EXPECT_EQ(some.share(0), 12u);
  EXPECT_EQ(some.share(1), 11u);
  const ServicePlan few = plan_service(entry("smtp inet n - n - 19 smtpd"), settings(), {.cores = 2});
  EXPECT_EQ(few.processes, 1u);
  EXPECT_EQ(few.share(0), 19u);
  const ServicePlan one = plan_service(entry("smtp inet n - n - 1 smtpd"), settings(), {.cores = 8});
  EXPECT_EQ(one.processes, 1u);
  EXPECT_EQ(one.share(0), 1u);
}

TEST(ServicePlan, DefaultProcessLimitCountsOnlyWhenSet) {
  Settings with_limit = settings();
  with_limit.process_limit = 100;
  EXPECT_EQ(plan_service(entry("smtp inet n - n - - smtpd"), with_limit, {.cores = 2}).sessions, 100u);
  EXPECT_EQ(plan_service(entry("smtp inet n - n - 0 smtpd"), with_limit, {.cores = 2}).sessions, 20000u);
}

TEST(ServicePlan, TheQueueManagerIsOneProcessWithManyClients) {
  const ServicePlan plan = plan_service(entry("qmgr unix n - n 300 1 qmgr"), settings(), {.cores = 4});
  EXPECT_EQ(plan.processes, 1u);
  EXPECT_EQ(plan.sessions, 20000u);
  EXPECT_TRUE(plan.program.reloads_in_place);
}

TEST(ServicePlan, WithoutRootThereIsNeitherChrootNorChangeOfUser) {
  const auto text = "x unix - y y - - x";
  EXPECT_THAT(plan_service(entry(text), settings(), {.cores = 1}).arguments,
              ElementsAre("x", "-n", "x", "-t", "unix", "-u", "-c"));
  EXPECT_THAT(plan_service(entry(text), settings(), {.cores = 1, .is_rootless = true}).arguments,
              ElementsAre("x", "-n", "x", "-t", "unix"));
}

TEST(Settings, DisablesByTypeOrByName) {
  Settings some = settings();
  some.disabled_services = {"submission.inet", "fifo"};
  EXPECT_TRUE(some.is_disabled(entry("submission inet n - n - - smtpd")));
  EXPECT_TRUE(some.is_disabled(entry("x fifo n - n - - smtpd")));
  EXPECT_FALSE(some.is_disabled(entry("smtp inet n - n - - smtpd")));
}

TEST(Throttle, WaitsLongerAfterEachBadStart) {
  Throttle throttle;
  Deadline now{1000s};
  EXPECT_TRUE(throttle.exited(false, 10ms, now, 60s));
  EXPECT_FALSE(throttle.may_start(now));
  EXPECT_TRUE(throttle.may_start(now + 1s));
  for (int i = 0; i < 10; ++i) throttle.exited(false, 10ms, now, 60s);
  EXPECT_EQ(throttle.until(), now + 60s);
  EXPECT_FALSE(throttle.exited(false, 20s, now, 60s));
  EXPECT_TRUE(throttle.exited(false, 10ms, now, 60s));
  EXPECT_EQ(throttle.until(), now + 1s);
}

TEST(Throttle, ACrashAfterLongServiceIsNoBadStart) {
  Throttle throttle;
  EXPECT_FALSE(throttle.exited(false, 2s, Deadline{}, 60s));
  EXPECT_FALSE(throttle.exited(true, 10ms, Deadline{}, 60s));
}

TEST(Shutdown, DrainsDoorsThenQueueThenTheRest) {
  Shutdown shutdown;
  const Deadline now{1000s};
  EXPECT_EQ(shutdown.next({}, now), Phase::running);
  shutdown.enter(Phase::drain_doors, now);
  EXPECT_EQ(shutdown.next({.doors = 1, .queue = 1, .all = 3}, now), Phase::drain_doors);
  EXPECT_EQ(shutdown.next({.doors = 0, .queue = 1, .all = 2}, now), Phase::drain_queue);
  shutdown.enter(Phase::drain_queue, now);
  EXPECT_EQ(shutdown.next({.doors = 0, .queue = 0, .all = 1}, now), Phase::drain_rest);
  shutdown.enter(Phase::drain_rest, now);
  EXPECT_EQ(shutdown.next({.all = 1}, now + 61s), Phase::terminate);
  shutdown.enter(Phase::terminate, now);
  EXPECT_EQ(shutdown.next({.all = 1}, now + 11s), Phase::kill);
  shutdown.enter(Phase::drain_doors, now);
  EXPECT_EQ(shutdown.phase(), Phase::terminate);
  EXPECT_EQ(shutdown.next({}, now), Phase::ended);
}

TEST(PortsFile, HasOneLineAListener) {
  EXPECT_EQ(ports_text({{"smtp", "0.0.0.0", 25}, {"[::1]:0", "::1", 4711}}),
            "smtp 0.0.0.0 25\n[::1]:0 ::1 4711\n");
}

}  // namespace
}  // namespace posthouse::master
