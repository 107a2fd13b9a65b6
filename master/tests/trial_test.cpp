#include "master/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "master/complaint.h"

namespace posthouse::master {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::MasterCf services(std::string_view text) {
  auto parsed = config::parse_master_cf(text, "master.cf");
  EXPECT_TRUE(parsed);
  return std::move(*parsed);
}

config::MainCf main_cf(std::string_view text) {
  return *config::MainCf::parse(text, "/etc/main.cf");
}

TEST(Complaint, TheSettingOfTheServiceCountsFirst) {
  const auto entry = services("\nsmtp inet n - - - - smtpd -o size=many -o maps=hash:/x/own\n").entries[0];
  const auto settings = main_cf("size = 5\nother = hash:/x/table\nlong = texthash:/x/table.old\n");
  const auto placed = [&](std::string_view text) {
    return with_place(text, entry, "/etc/master.cf", settings).text;
  };
  EXPECT_EQ(placed("size = many: expected a number"),
            "/etc/master.cf:2: service smtp/inet: size = many: expected a number");
  EXPECT_EQ(placed("other: unknown word"), "/etc/main.cf, line 2: other: unknown word");
  EXPECT_EQ(placed("/etc/main.cf, line 1: size = x: expected a number"),
            "/etc/main.cf, line 1: size = x: expected a number");
}

TEST(Complaint, ATableLeadsToItsSetting) {
  const auto entry = services("smtp inet n - - - - smtpd -o maps=hash:/x/own\n").entries[0];
  const auto settings = main_cf("one = hash:/x/table\ntwo = check odd:/x/y, texthash:/x/table.old\n");
  const auto placed = [&](std::string_view text) {
    return with_place(text, entry, "/etc/master.cf", settings);
  };
  EXPECT_EQ(placed("open database /x/own.db: No such file or directory").text,
            "/etc/master.cf:1: service smtp/inet: maps: open database /x/own.db: No such file or directory");
  EXPECT_EQ(placed("open database /x/table.db: No such file or directory").text,
            "/etc/main.cf, line 1: one: open database /x/table.db: No such file or directory");
  EXPECT_EQ(placed("open /x/table.old: Permission denied").text,
            "/etc/main.cf, line 2: two: open /x/table.old: Permission denied");
  EXPECT_EQ(placed("unsupported dictionary type: odd").text,
            "/etc/main.cf, line 2: two: unsupported dictionary type: odd");
  const Complaint unknown = placed("open database /etc/aliases.db: No such file or directory");
  EXPECT_EQ(unknown.text,
            "/etc/master.cf:1: service smtp/inet: open database /etc/aliases.db: No such file or directory");
  EXPECT_FALSE(unknown.is_about_a_file);
  EXPECT_TRUE(placed("unsupported dictionary type: odd").is_about_a_file);
}

class TrialTest : public ::testing::Test {
 protected:
  TrialTest() {
    char name[] = "/tmp/trial_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    std::ofstream(folder_ + "/main.cf")
        << "colour = mauve\nmaps = texthash:" << std::filesystem::current_path().string() << "/missing\n";
  }
  ~TrialTest() override { std::filesystem::remove_all(folder_); }

  Findings findings(std::string_view master_cf) const {
    Configuration configuration;
    configuration.settings.config_directory = folder_;
    configuration.settings.daemon_directory = TEST_DATA_DIR;
    configuration.master_cf = services(master_cf);
    return try_programs(configuration, {.cores = 2, .is_rootless = true});
  }

  std::string folder_;
};

TEST_F(TrialTest, MistakesFaultsAndHintsAreToldApart) {
  const Findings found = findings(
      "a unix - - - - - trial_daemon -o say=good\nb unix - - - - - trial_daemon -o say=mistake\n"
      "c unix - - - - - trial_daemon -o say=table\nd unix - - - - - trial_daemon -o say=hint\n"
      "e unix - - - - - trial_daemon -o say=default\nf unix - - - - - trial_daemon -o say=mistake\n");
  EXPECT_THAT(found.errors, ElementsAre(folder_ + "/main.cf, line 1: colour = mauve: expected red or blue"));
  ASSERT_EQ(found.faults.size(), 1u);
  EXPECT_THAT(found.faults[0], ::testing::StartsWith(folder_ + "/main.cf, line 2: maps: open "));
  EXPECT_THAT(found.warnings,
              ::testing::UnorderedElementsAre(
                  folder_ + "/master.cf:4: service d/unix: taste is old",
                  folder_ + "/master.cf:5: service e/unix: open /etc/nowhere: No such file or directory"));
}

TEST_F(TrialTest, AProgramThatEndsWithoutAWordIsAMistake) {
  const Findings found =
      findings("a unix - - - - - trial_daemon -o say=silent\nb unix - - - - - trial_daemon -o say=crash\n");
  const std::string program = std::string(TEST_DATA_DIR) + "/trial_daemon";
  EXPECT_THAT(found.errors,
              ::testing::UnorderedElementsAre(
                  folder_ + "/master.cf:1: service a/unix: " + program + ": exit status 3",
                  folder_ + "/master.cf:2: service b/unix: " + program + ": killed by signal 9"));
}

TEST_F(TrialTest, OnlyOurOwnProgramsAreTried) {
  const Findings found = findings("a unix - - - - - /bin/false\nb unix - - - - - nothing_there\n");
  EXPECT_THAT(found.errors, IsEmpty());
  EXPECT_THAT(found.warnings, ElementsAre(folder_ + "/master.cf:2: service b/unix: " + TEST_DATA_DIR +
                                          "/nothing_there: No such file or directory"));
}

}  // namespace
}  // namespace posthouse::master
