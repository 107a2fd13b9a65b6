#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tools/postconf/file_edit.h"
#include "tools/postconf/folding.h"
#include "tools/postconf/main_cf_edit.h"
#include "tools/postconf/master_cf_edit.h"

namespace posthouse::postconf {
namespace {

class Heard : public Warnings {
 public:
  std::vector<std::string> texts;
  void warn(const std::string& text) override { texts.push_back(text); }
};

constexpr std::string_view kMain =
    "# top\nmydestination = a, b,\n   # inner\n   c\n\nrelayhost = [x]\n# between\nrelayhost = [y]\nlast = 1";

std::string edited(const std::vector<MainCfEdit>& edits, Heard& heard) {
  return edit_main_cf(kMain, edits, "main.cf", heard);
}

TEST(EditMainCf, ChangesEveryDefinitionAndKeepsTheRest) {
  Heard heard;
  EXPECT_EQ(edited({parse_assignment(" relayhost =  new ")}, heard),
            "# top\nmydestination = a, b,\n   # inner\n   c\n\nrelayhost = new\n# between\nrelayhost = "
            "new\nlast = 1\n");
  EXPECT_THAT(heard.texts, testing::ElementsAre("main.cf: multiple entries for \"relayhost\""));
}

TEST(EditMainCf, AppendsNewOnesInTheOrderOfTheCommandLine) {
  Heard heard;
  const std::string result = edited({parse_assignment("z=1"), parse_assignment("a=2")}, heard);
  EXPECT_TRUE(result.ends_with("last = 1\nz = 1\na = 2\n"));
}

TEST(EditMainCf, OfTwoRequestsTheLastWins) {
  Heard heard;
  EXPECT_TRUE(
      edited({parse_assignment("n=1"), parse_assignment("n=2")}, heard).ends_with("last = 1\nn = 2\n"));
  EXPECT_THAT(heard.texts, testing::ElementsAre("ignoring earlier request: 'n = 1'"));
}

TEST(EditMainCf, ReplacesCommentsOutAndRemovesContinuationLines) {
  Heard heard;
  EXPECT_EQ(
      edited({parse_assignment("mydestination=z")}, heard),
      "# top\nmydestination = z\n   # inner\n\nrelayhost = [x]\n# between\nrelayhost = [y]\nlast = 1\n");
  EXPECT_TRUE(edited({{"mydestination", MainCfEdit::Action::comment_out, {}}}, heard)
                  .starts_with("# top\n#mydestination = a, b,\n   # inner\n#   c\n\n"));
  EXPECT_TRUE(edited({{"mydestination", MainCfEdit::Action::remove, {}},
                      {"mydestination", MainCfEdit::Action::remove, {}}},
                     heard)
                  .starts_with("# top\n   # inner\n\nrelayhost"));
}

TEST(EditMainCf, RefusesWhatIsNoAssignment) {
  EXPECT_THROW(parse_assignment("a b=c"), Fatal);
  EXPECT_THROW(parse_assignment("=c"), Fatal);
  EXPECT_THROW(parse_assignment("abc"), Fatal);
}

constexpr std::string_view kMaster =
    "# c\nsmtp      inet  n       -       y       -       -       smtpd\n   -o a=b\n   -o { banner = hello "
    "world }\n"
    "# x\npickup    unix  n       -       y       60      1       pickup\n";

TEST(ServiceLine, PrintsColumnsAndFoldsSettings) {
  Heard heard;
  const auto services = read_services(kMaster, "master.cf", heard);
  ASSERT_EQ(services.size(), 2U);
  EXPECT_EQ(services[0].text(false),
            "smtp       inet  n       -       y       -       -       smtpd -o a=b -o {banner=hello world}");
  EXPECT_EQ(services[0].text(true),
            "smtp       inet  n       -       y       -       -       smtpd\n    -o a=b\n    -o "
            "{banner=hello world}");
  EXPECT_EQ(services[0].field("command"), "smtpd -o a=b -o {banner=hello world}");
}

TEST(ServiceLine, WarnsOfWhatItCannotRead) {
  Heard heard;
  const auto services = read_services("  x\ny unix - n n - - pipe -o {a = b\n", "master.cf", heard);
  EXPECT_THAT(heard.texts,
              testing::ElementsAre("master.cf: logical line must not start with whitespace: \"  x\"",
                                   "master.cf: missing '}' in \"{a = b\""));
  EXPECT_EQ(services.at(0).field("command"), "pipe -o a=b");
}

TEST(ServiceLine, LongFieldsPushTheNextOnesOnlyAsFarAsNeeded) {
  EXPECT_EQ(ServiceLine::parse("postlog unix-dgram n - n - 1 postlogd").text(false),
            "postlog    unix-dgram n  -       n       -       1       postlogd");
}

TEST(ServiceLine, NewSettingsStandBehindTheOptions) {
  ServiceLine line = ServiceLine::parse("x unix - n n - - pipe -v flags=q user=u");
  line.set_parameter("k", "v");
  EXPECT_EQ(line.field("command"), "pipe -v -o k=v flags=q user=u");
  line.set_parameter("k", "w");
  EXPECT_EQ(line.field("command"), "pipe -v -o k=w flags=q user=u");
  line.remove_parameter("k");
  EXPECT_EQ(line.field("command"), "pipe -v flags=q user=u");
  line.remove_parameter("k");
  EXPECT_EQ(line.field("command"), "pipe -v flags=q user=u");
}

TEST(ServiceLine, RefusesBadFields) {
  EXPECT_THROW(ServiceLine::parse("smtp inet n"), Fatal);
  EXPECT_THROW(ServiceLine::parse("smtp what n - n - - smtpd"), Fatal);
  ServiceLine line = ServiceLine::parse("smtp inet n - n - - smtpd");
  EXPECT_THROW(line.set_field("chroot", "q"), Fatal);
  EXPECT_THROW(line.set_field("color", "q"), Fatal);
}

TEST(EditMasterCf, ReplacesOneServiceInPlace) {
  const std::string result = edit_master_cf(kMaster, "master.cf", [](ServiceLine& service) -> ServiceChange {
    if (!service.matches("smtp", "*")) return {};
    service.set_field("chroot", "n");
    return {ServiceChange::Kind::replace, service.text(true)};
  });
  EXPECT_EQ(result,
            "# c\n# x\nsmtp       inet  n       -       n       -       -       smtpd\n    -o a=b\n    -o "
            "{banner=hello world}\n"
            "pickup    unix  n       -       y       60      1       pickup\n");
}

TEST(EditMasterCf, NamesTheLineThatIsWrong) {
  try {
    Heard heard;
    read_services("# c\nsmtp inet\n", "master.cf", heard);
    FAIL();
  } catch (const Fatal& fatal) {
    EXPECT_STREQ(fatal.what(), "file master.cf: line 2: bad field count");
  }
}

TEST(Squeezed, FoldsAtEightyColumns) {
  EXPECT_EQ(squeezed("a  b\tc\n d", false), "a b c d");
  const std::string word(76, 'x');
  EXPECT_EQ(squeezed(word + " abc", true), word + " abc");
  EXPECT_EQ(squeezed(word + " abcd", true), word + "\n    abcd");
}

TEST(EditFile, KeepsModeAndLinkAndLeavesNothingBehind) {
  namespace fs = std::filesystem;
  const fs::path directory = fs::path(testing::TempDir()) / "postconf_edit_file";
  fs::remove_all(directory);
  fs::create_directories(directory);
  std::ofstream(directory / "real") << "old\n";
  fs::permissions(directory / "real", fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  fs::create_symlink("real", directory / "main.cf");
  edit_file(directory / "main.cf", [](const std::string& text) { return text + "new\n"; });
  EXPECT_EQ(read_file(directory / "real"), "old\nnew\n");
  EXPECT_TRUE(fs::is_symlink(directory / "main.cf"));
  EXPECT_EQ(fs::status(directory / "real").permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  EXPECT_THROW(edit_file(directory / "main.cf", [](const std::string&) -> std::string { throw Fatal("no"); }),
               Fatal);
  EXPECT_EQ(read_file(directory / "real"), "old\nnew\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 2);
}

}  // namespace
}  // namespace posthouse::postconf
