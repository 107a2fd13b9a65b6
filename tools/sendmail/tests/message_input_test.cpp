#include "tools/sendmail/message_input.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/queuefile/record.h"

namespace posthouse::sendmail {
namespace {

using testing::ElementsAre;

std::vector<std::string> records(std::string_view text, MessageInput::Rules rules, std::size_t chunk,
                                 std::vector<std::string>* recipients = nullptr) {
  std::string out;
  MessageInput input(rules, out);
  for (std::size_t at = 0; at < text.size(); at += chunk) {
    if (input.append(text.substr(at, chunk))) break;
  }
  input.end();
  if (recipients) *recipients = input.recipients();
  std::vector<std::string> all;
  for (std::string_view rest = out; !rest.empty();) {
    const auto record = queuefile::decode_record(rest);
    all.push_back(fmt::format("{} {}", static_cast<char>(record.type), record.data));
    rest.remove_prefix(record.size);
  }
  return all;
}

TEST(MessageInput, LinesOfAnyKind) {
  for (std::size_t chunk : {1, 2, 5, 1000}) {
    EXPECT_THAT(records("From x\n>From y\nSubject: q\r\n\n..\n.x\nFrom z\nnoeol", {}, chunk),
                ElementsAre("N Subject: q", "N ", "N ..", "N .x", "N From z", "L noeol"));
    EXPECT_THAT(records("a\n.\nb\n", {}, chunk), ElementsAre("N a"));
    EXPECT_THAT(records("a\n.\nb\n", {.dot_ends = false}, chunk), ElementsAre("N a", "N .", "N b"));
    EXPECT_THAT(records("12345678\nx\n123456789\n", {.line_limit = 8}, chunk),
                ElementsAre("L 12345678", "N ", "N x", "L 12345678", "N 9"));
  }
}

TEST(MessageInput, RecipientsOfHeaders) {
  std::vector<std::string> found;
  records("To: a@x, \"q q\"@y,\n b\nCc: list: c@x, d@x;\nBcc: e\nX: f\n\nTo: g\n",
          {.extract_recipients = true}, 7, &found);
  EXPECT_THAT(found, ElementsAre("a@x", "\"q q\"@y", "b", "c@x", "d@x", "e"));
  records("To: a@x\nResent-To: r@x\nBcc: z\n", {.extract_recipients = true}, 7, &found);
  EXPECT_THAT(found, ElementsAre("r@x"));
  records("To: a@x", {.extract_recipients = true}, 7, &found);
  EXPECT_THAT(found, ElementsAre("a@x"));
}

}  // namespace
}  // namespace posthouse::sendmail
