#include "tools/sendmail/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/queuefile/size_record.h"

namespace posthouse::sendmail {
namespace {

using testing::ElementsAre;

Options parse(std::vector<std::string> arguments, std::string_view program = "sendmail") {
  arguments.insert(arguments.begin(), "sendmail");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  return parse_options(program, static_cast<int>(arguments.size()), pointers.data());
}

std::string error_of(std::vector<std::string> arguments) {
  try {
    Options options = parse(std::move(arguments));
    settle_verp(options, "-=+");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(SendmailOptions, Delivery) {
  const auto options = parse({"-i", "-t", "-f", "me@x.test", "-FFull Name", "-N", "success,delay", "-Rhdrs",
                              "-B8BITMIME", "-G", "a@b", "c@d"});
  EXPECT_EQ(options.mode, Mode::deliver);
  EXPECT_FALSE(options.dot_ends);
  EXPECT_TRUE(options.extract_recipients && options.is_gateway);
  EXPECT_EQ(options.sender, "me@x.test");
  EXPECT_EQ(options.full_name, "Full Name");
  EXPECT_EQ(options.notify, queuefile::kNotifySuccess | queuefile::kNotifyDelay);
  EXPECT_EQ(options.return_flags, queuefile::kReturnHeaders);
  EXPECT_EQ(options.encoding, "8bit");
  EXPECT_THAT(options.recipients, ElementsAre("a@b", "c@d"));
}

TEST(SendmailOptions, IgnoredOnes) {
  const auto options = parse({"-Am", "-oem", "-oi", "-odb", "-om", "-O", "x=y", "-L", "tag", "-h5", "-m",
                              "-n", "-U", "-X", "log", "-ep", "a@b"});
  EXPECT_EQ(options.mode, Mode::deliver);
  EXPECT_FALSE(options.dot_ends);
  EXPECT_THAT(options.recipients, ElementsAre("a@b"));
  EXPECT_TRUE(options.warnings.empty());
}

TEST(SendmailOptions, Modes) {
  EXPECT_EQ(parse({"-bs"}).mode, Mode::smtp_server);
  EXPECT_EQ(parse({"-bp"}).mode, Mode::list_queue);
  EXPECT_EQ(parse({}, "mailq").mode, Mode::list_queue);
  EXPECT_EQ(parse({}, "newaliases").mode, Mode::aliases);
  EXPECT_EQ(parse({"-bi"}).mode, Mode::aliases);
  EXPECT_EQ(parse({"-I", "-oA/etc/x"}).alias_file, "/etc/x");
  EXPECT_EQ(parse({"-bd", "-q30m"}).mode, Mode::daemon);
  EXPECT_EQ(parse({"-q"}).mode, Mode::flush_queue);
  EXPECT_EQ(parse({"-q15m"}).mode, Mode::nothing);
  EXPECT_EQ(parse({"-qRx.test"}).site, "x.test");
  EXPECT_EQ(parse({"-qIABC"}).mode, Mode::flush_message);
  EXPECT_TRUE(parse({"-bv", "a@b"}).is_probe);
}

Options settled(std::vector<std::string> arguments, std::string_view filter = "-=+") {
  Options options = parse(std::move(arguments));
  settle_verp(options, filter);
  return options;
}

TEST(SendmailOptions, Verp) {
  for (const char* option : {"-V", "-XV"}) {
    const Options options = settled({option, "-t"});
    EXPECT_TRUE(options.has_verp && options.verp_delimiters.empty()) << option;
  }
  EXPECT_EQ(settled({"-XV+=", "a@b"}).verp_delimiters, "+=");
  EXPECT_EQ(settled({"-V", "id1", "a@b"}).envelope_id, "id1");
  EXPECT_EQ(settled({"-V+=", "a@b"}).verp_delimiters, "+=");
  EXPECT_EQ(settled({"-V+=", "a@b"}).envelope_id, "");
}

TEST(SendmailOptions, VerpFilter) {
  EXPECT_EQ(settled({"-XV#=", "a@b"}, "#=").verp_delimiters, "#=");
  EXPECT_EQ(settled({"-V+=", "a@b"}, "#=").envelope_id, "+=");
  EXPECT_THROW(settled({"-XV+=", "a@b"}, "#="), UsageError);
  EXPECT_THROW(settled({"-XV+", "a@b"}), UsageError);
}

TEST(SendmailOptions, Mistakes) {
  EXPECT_EQ(error_of({"-bx"}), "unsupported: -bx");
  EXPECT_EQ(error_of({"-B", "foo", "a@b"}), "-B option needs 8BITMIME or 7BIT");
  EXPECT_EQ(error_of({"-bs", "-t"}), "-t can be used only in delivery mode");
  EXPECT_EQ(error_of({"-XVxx", "a@b"}), "-V requires two characters from -=+");
  EXPECT_EQ(error_of({"-qI"}), "specify: -qIqueueid");
  EXPECT_THAT(
      parse({"-N", "foo", "a@b"}).warnings,
      ElementsAre("unknown DSN NOTIFY command value \"foo\" in \"foo\"", "bad -N option value -- ignored"));
  EXPECT_THAT(parse({"-N", "never,success", "a@b"}).warnings, ElementsAre("bad -N option value -- ignored"));
}

}  // namespace
}  // namespace posthouse::sendmail
