#include "bounce/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthouse::bounce {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Template& failure(const Templates& templates) {
  return templates[static_cast<std::size_t>(NoticeKind::failure)];
}

TEST(BounceTemplate, ReplacesOneText) {
  Templates templates = built_in_templates();
  EXPECT_TRUE(
      read_templates(
          "# comment\n\nfailure_template = <<EOF\nCharset: us-ascii\nsubject: Sorry\n\nHello $x\nEOF\n",
          templates)
          .empty());
  EXPECT_EQ(failure(templates).charset, "us-ascii");
  EXPECT_EQ(failure(templates).subject, "Sorry");
  EXPECT_EQ(failure(templates).postmaster_subject, "Postmaster Copy: Undelivered Mail");
  EXPECT_EQ(failure(templates).text, "Hello $x\n");
  EXPECT_EQ(templates[1].subject, "Delayed Mail (still being retried)");
}

TEST(BounceTemplate, MistakesKeepTheBuiltInText) {
  Templates templates = built_in_templates();
  EXPECT_THAT(read_templates("failure_template = <<EOF\nX-Odd: 1\n\ntext\nEOF\n", templates),
              ElementsAre("line 5: unknown header \"X-Odd\""));
  EXPECT_THAT(read_templates("failure_template = <<EOF\n\ntext\n", templates),
              ElementsAre("line 3: the end marker \"EOF\" is missing"));
  EXPECT_THAT(read_templates("odd_template = <<EOF\n", templates),
              ElementsAre("line 1: unknown template name \"odd_template\""));
  EXPECT_THAT(read_templates("failure_template = EOF\n", templates), ElementsAre(HasSubstr("expected")));
  EXPECT_EQ(failure(templates).text, failure(built_in_templates()).text);
}

TEST(BounceTemplate, ExpandsNames) {
  const Variables variables = [](std::string_view name) { return "[" + std::string(name) + "]"; };
  EXPECT_EQ(expand_template("a $b_1 ${c}d $(e) $$f $ ${open", variables), "a [b_1] [c]d [e] $f $ ${open");
  EXPECT_EQ(expand_template("$", variables), "$");
}

TEST(BounceTemplate, TimesComeInWholeUnits) {
  EXPECT_EQ(time_in_unit(5400, "hours"), "1");
  EXPECT_EQ(time_in_unit(5 * 86400, "days"), "5");
  EXPECT_EQ(time_in_unit(1, "years"), "");
}

}  // namespace
}  // namespace posthouse::bounce
