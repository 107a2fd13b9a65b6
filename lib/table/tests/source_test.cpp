#include <gtest/gtest.h>

#include "lib/table/alias_source.h"
#include "lib/table/map_source.h"
#include "lib/table/source_lines.h"

namespace posthouse::table {
namespace {

std::vector<SourceLine> lines(std::string_view text) {
  std::vector<SourceLine> out;
  SourceReader reader(text);
  for (SourceLine line; reader.next(line);) out.push_back(line);
  return out;
}

}  // namespace

TEST(SourceReader, JoinsContinuationsKeepingTheirSpace) {
  const auto got = lines("a one  \n  two   \nb c\n");
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].text, "a one    two   ");
  EXPECT_EQ(got[0].number, 1u);
  EXPECT_EQ(got[1].number, 3u);
}

TEST(SourceReader, SkipsCommentsAndBlankLinesInsideALogicalLine) {
  const auto got = lines("# c\na b\n\n  # x\n   \n d\n#\ne f");
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].text, "a b d");
  EXPECT_EQ(got[0].number, 2u);
  EXPECT_EQ(got[1].text, "e f");
  EXPECT_EQ(got[1].number, 8u);
}

TEST(SourceReader, ReportsATextThatBeginsWithSpace) {
  const auto got = lines("  a b\nc d\n");
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(leading_space_problem(got[0]), "logical line must not start with whitespace: \"  a b\"");
  EXPECT_EQ(leading_space_problem(got[1]), "");
}

TEST(SourceReader, AnEmptyTextHasNoLines) {
  EXPECT_TRUE(lines("").empty());
  EXPECT_TRUE(lines("\n \n#x").empty());
}

TEST(MapLine, SplitsAtTheFirstSpaceOutsideQuotes) {
  const auto line = parse_map_line("\"quoted local\"@x.test  v3 # data ", true);
  EXPECT_EQ(line.key, "\"quoted local\"@x.test");
  EXPECT_EQ(line.value, "v3 # data");
  EXPECT_EQ(parse_map_line("b\\ ackslash v4", true).key, "b\\ ackslash");
}

TEST(MapLine, SaysWhatIsWrong) {
  EXPECT_EQ(parse_map_line("novalue", true).problem, "expected format: key whitespace value");
  EXPECT_EQ(parse_map_line("\"unbal v", true).problem,
            "unbalanced '\"' in '\"unbal v' -- ignoring this line");
  EXPECT_EQ(parse_map_line("k\xe9y v", true).problem, "non-UTF-8 input \"k\xe9y v\" -- ignoring this line");
  EXPECT_EQ(parse_map_line("k\xe9y v", false).problem, "");
  EXPECT_EQ(parse_map_line("bad: x", true).advice,
            "record is in \"key: value\" format; is this an alias file?");
}

struct AliasCase {
  std::string_view line, key, value;
};
class AliasLines : public testing::TestWithParam<AliasCase> {};

TEST_P(AliasLines, AreStoredAsTheReferenceStoresThem) {
  const auto& [text, key, value] = GetParam();
  const auto line = parse_alias_line(text, true);
  EXPECT_EQ(line.problem, "");
  EXPECT_EQ(line.key, key);
  EXPECT_EQ(line.value, value);
}

INSTANTIATE_TEST_SUITE_P(
    Reference, AliasLines,
    testing::Values(AliasCase{"Root: postmaster, \"|/bin/cmd arg\"", "Root", "postmaster, \"|/bin/cmd arg\""},
                    AliasCase{"\"Quoted Name\": :include:/etc/list", "Quoted Name", ":include:/etc/list"},
                    AliasCase{"a:b,c", "a", "b, c"}, AliasCase{"t: a,, b ,", "t", "a, , b, "},
                    AliasCase{"g: team: x, y;;", "g", "team:x, y;;"},
                    AliasCase{"r: <@a,@b:c@d>", "r", "<@a, @b:c@d>"},
                    AliasCase{"n: Joe <joe@x>", "n", "Joe <joe@x>"}, AliasCase{"p: a(b)c", "p", "a (b) c"},
                    AliasCase{"b: \\root, \\\\root", "b", "root, \"\\\\root\""},
                    AliasCase{"c: \\@x", "c", "\"@x\""}, AliasCase{"s: a\\", "s", "a"},
                    AliasCase{"q: \"|cmd 'a b' \\\"c\\\" \\\\d\"", "q", "\"|cmd 'a b' \\\"c\\\" \\\\d\""},
                    AliasCase{"x: a @ b . c", "x", "a@b.c"}, AliasCase{"esc\\@aped: q", "esc@aped", "q"}));

TEST(AliasLine, SaysWhatIsWrong) {
  EXPECT_EQ(parse_alias_line("empty:", true).problem, "need name:value pair");
  EXPECT_EQ(parse_alias_line("nocolon", true).problem, "need name:value pair");
  EXPECT_EQ(parse_alias_line(": x", true).problem, "need name:value pair");
  EXPECT_EQ(parse_alias_line("a,b: x", true).problem, "need name:value pair");
  EXPECT_EQ(parse_alias_line("dom@x: y", true).problem, "name must be local");
  EXPECT_EQ(parse_alias_line("p%q: y", true).problem, "name must be local");
}

}  // namespace posthouse::table
