#include "lib/protocol/transcript.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace posthouse::protocol {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Transcript, ShowsWhoSaidWhat) {
  Transcript transcript;
  transcript.sent("220 hello");
  transcript.received("EHLO x");
  transcript.sent("250-one\r\n250 two");
  transcript.received("500-a\n500 b");
  transcript.sent("RSET\r\nQUIT\r\n");
  transcript.received("");
  EXPECT_EQ(transcript.text(),
            " Out: 220 hello\n In:  EHLO x\n Out: 250-one\n Out: 250 two\n In:  500-a\n In:  500 b\n"
            " Out: RSET\n Out: QUIT\n In:  \n");
  EXPECT_EQ(transcript.lines(), 9U);
}

TEST(Transcript, HasNothingUnprintable) {
  Transcript transcript;
  transcript.received(std::string_view("A\x01\x7f\t\x1b[0m\0\xff\r z", 13));
  EXPECT_EQ(transcript.text(), " In:  A???\?[0m\?\?\? z\n");
}

TEST(Transcript, FoldsLongLines) {
  Transcript transcript;
  transcript.received("FOO " + std::string(67, 'x') + " y");
  transcript.received("FOO " + std::string(68, 'x') + " y");
  EXPECT_EQ(transcript.text(),
            " In:  FOO " + std::string(67, 'x') + " y\n In:  FOO " + std::string(68, 'x') + "\n     y\n");
}

TEST(Transcript, CutsEndlessLines) {
  Transcript transcript;
  transcript.received(std::string(100'000, 'x'));
  EXPECT_LE(transcript.size(), Transcript::kLineLimit + 8);
  EXPECT_TRUE(transcript.text().ends_with("xxx...\n"));
}

TEST(Transcript, LeavesTheMiddleOfALongSessionOut) {
  Transcript transcript;
  std::size_t largest = 0;
  for (int i = 0; i < 20'000; ++i) {
    transcript.received(fmt::format("NOOP {}", i));
    transcript.sent("250 2.0.0 Ok");
    largest = std::max(largest, transcript.size());
  }
  EXPECT_LE(largest, Transcript::kLimit + Transcript::kLineLimit);
  const std::string text = transcript.text();
  EXPECT_TRUE(text.starts_with(" In:  NOOP 0\n Out: 250 2.0.0 Ok\n In:  NOOP 1\n"));
  EXPECT_TRUE(text.ends_with(" In:  NOOP 19999\n Out: 250 2.0.0 Ok\n"));
  EXPECT_EQ(transcript.lines(), 40'000U);
  const auto shown = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) - 1;
  EXPECT_TRUE(has(text, fmt::format("\n [{} lines left out]\n", 40'000U - shown))) << text;
}

TEST(Transcript, LeavesOutWholeLinesHoweverLongTheyAre) {
  Transcript transcript;
  for (int i = 0; i < 50; ++i) transcript.received(std::string(i % 3 == 0 ? 5000 : 1, 'x'));
  const std::string text = transcript.text();
  std::size_t shown = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    shown += text.compare(at, 5, " In: ") == 0 ? 1 : 0;
  EXPECT_TRUE(has(text, fmt::format("\n [{} lines left out]\n", 50 - shown))) << text.size();
}

TEST(Transcript, StartsAnewAfterClear) {
  Transcript transcript;
  for (int i = 0; i < 5000; ++i) transcript.received("NOOP");
  transcript.clear();
  transcript.received("QUIT");
  EXPECT_EQ(transcript.text(), " In:  QUIT\n");
  EXPECT_EQ(transcript.lines(), 1U);
}

}  // namespace
}  // namespace posthouse::protocol
