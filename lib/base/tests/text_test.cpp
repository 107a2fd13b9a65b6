#include "lib/base/text.h"

#include <gtest/gtest.h>

namespace posthouse {

TEST(Text, ListsSplitOnCommaAndBlankAndDropEmptyPieces) {
  EXPECT_EQ(split_any(" a,b,, c\td\n"), (std::vector<std::string_view>{"a", "b", "c", "d"}));
  EXPECT_TRUE(split_any(" ,, ").empty());
}

TEST(Text, NumbersMustBeWhole) {
  EXPECT_EQ(parse_int<int>("12"), 12);
  EXPECT_EQ(parse_int<int>("12x"), std::nullopt);
  EXPECT_EQ(parse_int<int>(""), std::nullopt);
  EXPECT_EQ(parse_int<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(parse_int<std::int8_t>("300"), std::nullopt);
}

TEST(Text, UnprintableBytesBecomeQuestionMarks) {
  EXPECT_EQ(printable("a\x01z\xC3\xBC\xFF"), "a?z\xC3\xBC?");
  EXPECT_EQ(printable("\xC3\xBC", false), "??");
}

TEST(Text, Utf8RefusesOverlongAndSurrogates) {
  EXPECT_TRUE(is_valid_utf8("z\xC3\xBC\xF0\x9F\x93\xA8"));
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xE2\x82"));
}

TEST(Text, EscapesAreBounded) {
  EXPECT_EQ(escaped("NOOP\r\n\x01"), "NOOP\\r\\n\\001");
  EXPECT_EQ(escaped("abcdef", 3), "abc");
}

TEST(Folded, BreaksAtBlanks) {
  EXPECT_EQ(folded("<eight@bad.test> (expanded from <eight@fail.test>): no such user here, a really long "
                   "explanation",
                   79),
            "<eight@bad.test> (expanded from <eight@fail.test>): no such user here, a really\n    long "
            "explanation");
  EXPECT_EQ(folded(std::string(200, 'x'), 79), std::string(200, 'x'));
  EXPECT_EQ(folded("", 79), "");
}

}  // namespace posthouse
