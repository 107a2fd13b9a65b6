#include "tools/postqueue/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "tools/postqueue/flush_actions.h"
#include "tools/postqueue/options.h"

namespace posthouse::postqueue {
namespace {

ipc::ShowqEntry entry(std::string queue = "deferred") {
  ipc::ShowqEntry result;
  result.queue_name = std::move(queue);
  result.queue_id = "3F4B8AC8069";
  result.arrival_time = 1'795'329'533;
  result.size = 305;
  result.sender = "s@virt.test";
  result.recipients = {{"sig@pip.test", "Command died with signal 9: \"/usr/local/bin/filter\""}};
  return result;
}

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
  std::string out_;
};

TEST_F(ReportTest, LooksLikeMailq) {
  TextReport report(false);
  report.add(entry(), out_);
  ipc::ShowqEntry held = entry("hold");
  held.queue_id = "55F7FAC8007";
  held.is_force_expired = true;
  held.size = 7000;
  held.recipients = {{"a@b", "x"}, {"c@d", "x"}, {"e@f", ""}};
  report.add(held, out_);
  report.end(out_);
  EXPECT_EQ(out_,
            "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
            "3F4B8AC8069     305 Sun Nov 22 06:38:53  s@virt.test\n"
            "                         (Command died with signal 9: \"/usr/local/bin/filter\")\n"
            "                                         sig@pip.test\n"
            "\n"
            "55F7FAC8007!#    7000 Sun Nov 22 06:38:53  s@virt.test\n"
            "                                                                           (x)\n"
            "                                         a@b\n"
            "                                         c@d\n"
            "                                                          (reason unavailable)\n"
            "                                         e@f\n"
            "\n-- 7 Kbytes in 2 Requests.\n");
}

TEST_F(ReportTest, HasAnotherLayoutForLongIds) {
  TextReport report(true);
  ipc::ShowqEntry one = entry("active");
  one.queue_id = "4PxVbS0m9Wz3nXC";
  one.recipients = {{"a@b", ""}};
  report.add(one, out_);
  report.end(out_);
  EXPECT_EQ(out_,
            "----Queue ID-----  --Size-- ---Arrival Time---- --Sender/Recipient------\n"
            "4PxVbS0m9Wz3nXC*       305 Sun Nov 22 06:38:53 s@virt.test\n"
            "                                               a@b\n"
            "\n-- 0 Kbytes in 1 Request.\n");
}

TEST_F(ReportTest, SaysThatTheQueueIsEmpty) {
  TextReport(false).end(out_);
  EXPECT_EQ(out_, "Mail queue is empty\n");
}

TEST_F(ReportTest, ContinuesAMessageOfManyRecipients) {
  ipc::ShowqEntry first = entry();
  first.recipients = {{"a@b", "x"}};
  first.is_continued = true;
  ipc::ShowqEntry rest;
  rest.recipients = {{"c@d", "x"}};
  TextReport text(false);
  text.add(first, out_);
  text.add(rest, out_);
  text.end(out_);
  EXPECT_NE(out_.find("a@b\n                                         c@d\n\n-- 0 Kbytes in 1 Request.\n"),
            std::string::npos);
  std::string json_text;
  JsonReport json;
  json.add(first, json_text);
  json.add(rest, json_text);
  EXPECT_EQ(json_text,
            "{\"queue_name\": \"deferred\", \"queue_id\": \"3F4B8AC8069\", \"arrival_time\": 1795329533, "
            "\"message_size\": 305, "
            "\"forced_expire\": false, \"sender\": \"s@virt.test\", \"recipients\": [{\"address\": \"a@b\", "
            "\"delay_reason\": "
            "\"x\"}, {\"address\": \"c@d\", \"delay_reason\": \"x\"}]}\n");
}

TEST(JsonString, EscapesWhatMustBe) {
  std::string out;
  append_json_string(out, "a\"b\\c\b\f\n\r\t\x01\x7f\xc3\xbc");
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u007F\xc3\xbc\"");
  out.clear();
  append_json_string(out, "\xff");
  EXPECT_EQ(out, "\"?\"");
}

TEST(PostqueueOptions, WantExactlyOneAction) {
  const auto parse = [](std::vector<const char*> words) {
    words.insert(words.begin(), "postqueue");
    const auto options = parse_options(static_cast<int>(words.size()), const_cast<char**>(words.data()));
    return options.has_value();
  };
  EXPECT_TRUE(parse({"-p"}));
  EXPECT_TRUE(parse({"-c", "/x", "-s", "example.com"}));
  EXPECT_FALSE(parse({}));
  EXPECT_FALSE(parse({"-p", "-f"}));
  EXPECT_FALSE(parse({"-p", "more"}));
}

TEST(FlushSite, IsADomainOrALiteral) {
  EXPECT_TRUE(is_site("example.com"));
  EXPECT_TRUE(is_site("[1.2.3.4]"));
  EXPECT_FALSE(is_site("[bad"));
  EXPECT_FALSE(is_site("@x"));
  EXPECT_FALSE(is_site("a..b"));
}

}  // namespace
}  // namespace posthouse::postqueue
