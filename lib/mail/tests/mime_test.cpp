#include "lib/mail/mime.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/base/text.h"

namespace posthouse::mail {
namespace {

class Recorder : public MimeSink {
 public:
  void header(HeaderClass where, const HeaderSpec&, std::string_view text) override {
    out.push_back(std::string(where == HeaderClass::primary  ? "P:"
                              : where == HeaderClass::nested ? "N:"
                                                             : "M:") +
                  std::string(text));
  }
  void headers_end() override { out.emplace_back("END"); }
  void body(std::string_view line) override { out.push_back("B:" + std::string(line)); }
  void error(MimeError error, std::string_view) override {
    out.push_back("E:" + std::string(mime_error_text(error)));
  }
  std::vector<std::string> out;
};

std::vector<std::string> read(std::string_view message, MimeRules rules = {}) {
  Recorder recorder;
  MimeReader reader(rules, recorder);
  for (const std::string_view line : split(message, '\n')) reader.line(line);
  reader.end();
  return recorder.out;
}

using Lines = std::vector<std::string>;

TEST(Mime, HeadersAreJoinedAndTheBodyFollows) {
  EXPECT_EQ(read("Subject: a\n b\nTo: x\n\nbody"),
            (Lines{"P:Subject: a\n b", "P:To: x", "END", "B:", "B:body"}));
}

TEST(Mime, TextWithoutHeadersIsBody) {
  EXPECT_EQ(read("hello\nSubject: x"), (Lines{"END", "B:hello", "B:Subject: x"}));
  EXPECT_EQ(read("To: x\nhello"), (Lines{"P:To: x", "END", "B:hello"}));
}

TEST(Mime, PartsAndAttachedMessagesHaveHeaders) {
  EXPECT_EQ(read("Content-Type: multipart/mixed; boundary=\"b c\"\n\n--b c\nContent-Type: "
                 "message/rfc822\n\nSubject: in\n\nx\n--b c--\nepilogue: y"),
            (Lines{"P:Content-Type: multipart/mixed; boundary=\"b c\"", "END", "B:", "B:--b c",
                   "M:Content-Type: message/rfc822", "B:", "N:Subject: in", "B:", "B:x", "B:--b c--",
                   "B:epilogue: y"}));
}

TEST(Mime, EightBitTextBecomesQuotedPrintable) {
  EXPECT_EQ(
      read("MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: "
           "8bit\n\n\xc3\xa4=\t\nplain",
           {.downgrade = true}),
      (Lines{"P:MIME-Version: 1.0", "P:Content-Type: text/plain",
             "P:Content-Transfer-Encoding: quoted-printable", "END", "B:", "B:=C3=A4=3D=09", "B:plain"}));
}

TEST(Mime, QuotedPrintableLinesStayShort) {
  const std::string body(200, '\xe4');
  const auto lines = read("Content-Transfer-Encoding: 8bit\n\n" + body, {.downgrade = true});
  for (const std::string& line : lines) EXPECT_LE(line.size(), 78u);
  EXPECT_TRUE(lines[3].ends_with("="));
}

TEST(Mime, NestingIsBounded) {
  std::string message;
  for (int i = 0; i < 200; ++i)
    message += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\n\n--b" +
               std::to_string(i) + "\n";
  const auto lines = read(message, {.nesting_limit = 10});
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "E:MIME nesting exceeds safety limit"), 1);
}

TEST(Mime, LongHeadersAreCutAndReported) {
  const auto lines = read("Subject: " + std::string(1000, 'x') + "\n\n", {.header_limit = 100});
  EXPECT_EQ(lines[0], "E:message header length exceeds safety limit");
  EXPECT_EQ(lines[1].size(), 102u);
}

}  // namespace
}  // namespace posthouse::mail
