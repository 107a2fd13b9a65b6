#include <gtest/gtest.h>

#include "lib/table/bulk_builder.h"
#include "lib/table/file_value.h"
#include "lib/table/fold.h"
#include "lib/table/null_convention.h"
#include "lib/table/query_template.h"
#include "lib/table/server_list.h"

namespace posthouse::table {
namespace {

std::string doubled(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out;
}

std::string expand(std::string text, std::string_view key) {
  return QueryTemplate(std::move(text)).expand(key, doubled).value_or("NONE");
}

}  // namespace

TEST(QueryTemplate, ExpandsAndQuotesParts) {
  EXPECT_EQ(expand("a '%s' %%", "o'x@d"), "a 'o''x@d' %");
  EXPECT_EQ(expand("%u|%d", "user@example.com"), "user|example.com");
  EXPECT_EQ(expand("%U|%D|%S", "user@example.com"), "user|example.com|user@example.com");
  EXPECT_EQ(expand("%u", "\"a b\"@x"), "\"a b\"");
  EXPECT_EQ(expand("%1.%2.%3", "u@mail.example.com"), "com.example.mail");
  EXPECT_EQ(expand("%u", "nodomain"), "nodomain");
}

TEST(QueryTemplate, MissingPartsSuppressTheQuery) {
  EXPECT_EQ(expand("%d", "nodomain"), "NONE");
  EXPECT_EQ(expand("%u", "@x"), "NONE");
  EXPECT_EQ(expand("%4", "u@mail.example.com"), "NONE");
  EXPECT_EQ(expand("%1", "u"), "NONE");
}

TEST(QueryTemplate, FormatsResults) {
  const QueryTemplate format("smtp:[%s] for %U of %1");
  EXPECT_EQ(format.format("host", "u@example.com"), "smtp:[host] for u of com");
  EXPECT_FALSE(format.format("", "u@example.com"));
  EXPECT_FALSE(QueryTemplate("%d").format("unqualified", "u@x"));
  EXPECT_EQ(QueryTemplate("%d").format("a@b", "u@x"), "b");
  EXPECT_FALSE(format.suits("nodomain"));
  EXPECT_TRUE(format.suits("u@example.com"));
}

TEST(QueryTemplate, UnknownLettersAreProblems) {
  EXPECT_TRUE(QueryTemplate::is_valid("%s %u %% %9"));
  EXPECT_FALSE(QueryTemplate::is_valid("%x"));
  EXPECT_FALSE(QueryTemplate::is_valid("50%"));
}

TEST(QueryTemplate, KnowsWhetherTheKeyMatters) {
  EXPECT_TRUE(QueryTemplate("dc=test, 100%%").is_fixed());
  EXPECT_FALSE(QueryTemplate("dc=%d").is_fixed());
}

TEST(QueryTemplate, FullAddressesHaveBothParts) {
  EXPECT_EQ(domain_of_full_address("u@d"), "d");
  EXPECT_FALSE(domain_of_full_address("@d"));
  EXPECT_FALSE(domain_of_full_address("u"));
  EXPECT_FALSE(domain_of_full_address("u@"));
}

TEST(ServerList, TriesUnixServersFirstAndLeavesOutThoseThatAreDown) {
  ServerList list("a b unix:/s", std::chrono::seconds(60));
  const Deadline start{std::chrono::hours(1)};
  ASSERT_EQ(list.candidates(start).size(), 3u);
  EXPECT_EQ(list.name(list.candidates(start)[0]), "unix:/s");
  list.failed(0, start);
  EXPECT_EQ(list.candidates(start).size(), 2u);
  EXPECT_EQ(list.candidates(start + std::chrono::seconds(61)).size(), 3u);
  list.succeeded(0);
  EXPECT_EQ(list.candidates(start).size(), 3u);
}

TEST(ServerList, KeepsTheOrderThatIsAskedFor) {
  const ServerList list("9 8 unix:/7 6 5 4 3 2 1", std::chrono::seconds(60), ServerList::Order::as_written);
  std::string names;
  for (const std::size_t index : list.candidates(Deadline{std::chrono::hours(1)}))
    names += list.name(index) + ' ';
  EXPECT_EQ(names, "9 8 unix:/7 6 5 4 3 2 1 ");
}

TEST(ServerList, TriesTheOldestWhenAllAreDown) {
  ServerList list("a", std::chrono::seconds(60));
  const Deadline start{std::chrono::hours(1)};
  list.failed(0, start);
  EXPECT_TRUE(list.candidates(start).empty());
  EXPECT_EQ(list.candidates(start + ServerList::kLastResort).size(), 1u);
}

TEST(BulkEntries, KeepsTheFirstOrTheLastAndSorts) {
  BulkEntries entries;
  EXPECT_TRUE(entries.add("b", "1", false));
  EXPECT_TRUE(entries.add("a", "2", false));
  EXPECT_FALSE(entries.add("b", "3", false));
  EXPECT_FALSE(entries.add("a", "4", true));
  entries.sort();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].key, "a");
  EXPECT_EQ(entries[0].value, "4");
  EXPECT_EQ(entries[1].value, "1");
}

TEST(NullConvention, TheFirstHitSettlesIt) {
  NullConvention nulls(Flag::none, true);
  int asked = 0;
  const auto plain = [&](std::string_view form) { return ++asked, form.back() != '\0'; };
  EXPECT_TRUE(nulls.first_hit("k", plain));
  EXPECT_EQ(asked, 2);
  EXPECT_TRUE(nulls.first_hit("k", plain));
  EXPECT_EQ(asked, 3);
}

TEST(FoldCase, FoldsUnicodeFully) {
  EXPECT_EQ(fold_case("ÄÖ Straße ΣΑΣ", true), "äö strasse σασ");
  EXPECT_EQ(fold_case("ABC\xff", true), "abc\xff");
  EXPECT_EQ(fold_case("Ä", false), "Ä");
}

TEST(Base64, RoundTrips) {
  for (std::string_view text : {"", "a", "ab", "abc", "hello\n\nhello\n"})
    EXPECT_EQ(base64_decoded(base64_encoded(text)), text);
  EXPECT_EQ(base64_encoded("hello\n\nhello\n\n"), "aGVsbG8KCmhlbGxvCgo=");
  EXPECT_FALSE(base64_decoded("f1,f1"));
  EXPECT_FALSE(base64_decoded("a==="));
}

}  // namespace posthouse::table
