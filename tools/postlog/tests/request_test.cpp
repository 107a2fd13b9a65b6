#include "tools/postlog/request.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace posthouse::postlog {
namespace {

Request parse(std::vector<const char*> words) {
  words.insert(words.begin(), "postlog");
  return parse_request(static_cast<int>(words.size()), const_cast<char**>(words.data()));
}

TEST(PostlogRequest, TakesTagPriorityAndText) {
  const Request request = parse({"-i", "-t", "postfix/my-script", "-p", "warn", "two", "words"});
  EXPECT_EQ(request.tag, "postfix/my-script");
  EXPECT_EQ(request.severity, log::Severity::warning);
  EXPECT_EQ(request.text, "two words");
}

TEST(PostlogRequest, WithoutTextReadsStandardInput) {
  EXPECT_EQ(parse({}).text, "");
  EXPECT_EQ(parse({}).severity, log::Severity::info);
}

TEST(PostlogRequest, RefusesUnknownPriorities) {
  EXPECT_THROW(parse({"-p", "loud", "x"}), std::invalid_argument);
  EXPECT_THROW(parse({"-x"}), std::invalid_argument);
}

}  // namespace
}  // namespace posthouse::postlog
