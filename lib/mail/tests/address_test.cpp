#include <gtest/gtest.h>

#include "lib/mail/address_list.h"
#include "lib/mail/extension.h"
#include "lib/mail/host_name.h"
#include "lib/mail/idn.h"
#include "lib/mail/path.h"
#include "lib/mail/quote.h"

namespace posthouse::mail {
namespace {

std::string lenient(std::string_view text) {
  return parse_path(text, {.may_be_empty = true}).value_or("BAD");
}
std::string strict(std::string_view text) {
  return parse_path(text, {.is_strict = true, .may_be_empty = true}).value_or("BAD");
}

// Each row as the reference implementation answers it.
TEST(Idn, DomainsHaveAnAsciiForm) {
  EXPECT_EQ(to_ascii_domain("b\u00fccher.test"), "xn--bcher-kva.test");
  EXPECT_EQ(to_ascii_domain("B\u00dcCHER.test"), "xn--bcher-kva.test");
  EXPECT_EQ(to_ascii_domain("MX.example.test"), "MX.example.test");
  EXPECT_EQ(to_ascii_domain("stra\u00dfe.test"), "xn--strae-oqa.test");
  EXPECT_EQ(to_ascii_domain("stra\u00dfe.test", true), "strasse.test");
  for (const char* bad : {"b\xfc"
                          "cher.test",
                          "\ufffd.test", "-b\u00fccher.test"})
    EXPECT_FALSE(to_ascii_domain(bad)) << bad;
  EXPECT_FALSE(to_ascii_domain(std::string_view("\u00fc\0.test", 8)));
}

TEST(HostName, ANameInUtf8CountsAsItsAsciiForm) {
  std::string longest;
  for (int i = 0; i < 56; ++i) longest += "\u00fc";
  EXPECT_TRUE(is_valid_hostname("b\u00fccher.test", true));
  EXPECT_FALSE(is_valid_hostname("b\u00fccher.test"));
  EXPECT_TRUE(is_fqdn("b\u00fccher.test.", true));
  EXPECT_TRUE(is_valid_hostname(longest + ".test", true));
  for (const std::string& bad :
       {longest + longest + ".test", std::string("\u00fc..test"), std::string("\u00fc b.test")})
    EXPECT_FALSE(is_valid_hostname(bad, true)) << bad;
}

TEST(Path, LenientRulesTakeWhatOldClientsSend) {
  EXPECT_EQ(lenient("<a@b.c>"), "a@b.c");
  EXPECT_EQ(lenient("<>"), "");
  EXPECT_EQ(lenient("< >"), "");
  EXPECT_EQ(lenient("< a@b.c >"), "a@b.c");
  EXPECT_EQ(lenient("a@b.c"), "a@b.c");
  EXPECT_EQ(lenient("a@b.c>"), "a@b.c");
  EXPECT_EQ(lenient("<<a@b.c>>"), "a@b.c");
  EXPECT_EQ(lenient("<a@b.c>,"), "a@b.c");
  EXPECT_EQ(lenient("<a(c)@b.d>"), "a@b.d");
  EXPECT_EQ(lenient("<a..b@c.d>"), "a..b@c.d");
  EXPECT_EQ(lenient("<.a@c.d>"), ".a@c.d");
  EXPECT_EQ(lenient("<a:b@c.d>"), "a:b@c.d");
  EXPECT_EQ(lenient("<@c.d>"), "@c.d");
  EXPECT_EQ(lenient("<\"\"@b.c>"), "@b.c");
}

TEST(Path, QuotesAndRoutesAreTakenOff) {
  EXPECT_EQ(lenient("<\"a b\"@c.d>"), "a b@c.d");
  EXPECT_EQ(lenient("<\"a\\\"b\"@c.d>"), "a\"b@c.d");
  EXPECT_EQ(lenient("<a\\ b@c.d>"), "a b@c.d");
  EXPECT_EQ(lenient("<@x,@y:a@b.c>"), "a@b.c");
  EXPECT_EQ(lenient("<a@[127.0.0.1]>"), "a@[127.0.0.1]");
}

TEST(Path, BrokenSyntaxIsRefused) {
  for (const char* text : {"<a b@b.c>", "<a@b.c", "<a@b.c>x", "<a@>", "<@>", "a@b.c,d@e.f", "<a@b.c,d@e.f>",
                           "<a;b@c.d>", "<a@b c.d>", "", "<a@b.c><d@e.f>"}) {
    EXPECT_EQ(lenient(text), "BAD") << text;
  }
}

TEST(Path, StrictRulesWantBracketsAndNothingElse) {
  EXPECT_EQ(strict("<a@b.c>"), "a@b.c");
  EXPECT_EQ(strict("<>"), "");
  EXPECT_EQ(strict("<@x,@y:a@b.c>"), "a@b.c");
  EXPECT_EQ(strict("<\"a b\"@b.c>"), "a b@b.c");
  for (const char* text :
       {"a@b.c", "a@b.c>", "<a@b.c>,", "<a(c)@b.d>", "<\"\"@b.c>", "<@c.d>", "<a@(c)b.c>"}) {
    EXPECT_EQ(strict(text), "BAD") << text;
  }
}

TEST(Path, AnEmptyPathIsForSendersOnly) {
  EXPECT_FALSE(parse_path("<>", {}));
  EXPECT_EQ(parse_path("<>a@b.test", {}), "a@b.test");
  EXPECT_FALSE(parse_path("<>a@b.test", {.is_strict = true}));
  EXPECT_FALSE(parse_path("<><a@b.test>", {}));
  for (const char* phrase :
       {"<Name <a@b.test>>", "Name <a@b.test>", "<a@x.test <a@b.test>>", "<N M <a@b.test>,>"}) {
    EXPECT_EQ(parse_path(phrase, {}), "a@b.test") << phrase;
    EXPECT_FALSE(parse_path(phrase, {.is_strict = true})) << phrase;
  }
  for (const char* bad : {"<N <M <a@b.test>>>", "<N: <a@b.test>>", "<N, <a@b.test>>", "<N <a@b.test> x>",
                          "<a@b.test> <c@d.test>", "<<<a@b.test>>>", "Name <>"}) {
    EXPECT_FALSE(parse_path(bad, {})) << bad;
  }
  EXPECT_FALSE(parse_path("<\"\">", {}));
}

std::string rewritten(std::string_view value) {
  AddressList list = AddressList::parse(value);
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string address(list[i]);
    if (address == "fred@old.test") list.replace(i, "fred@new.test");
    if (!address.empty() && address.find('@') == std::string::npos)
      list.replace(i, address + "@example.test");
  }
  return list.header("To");
}

TEST(AddressList, RebuildsHeadersAsTheReferenceDoes) {
  EXPECT_EQ(rewritten("Fred <fred@old.test>, bob, al@x.y (comment)"),
            "To: Fred <fred@new.test>, bob@example.test, al@x.y (comment)");
  EXPECT_EQ(rewritten("\"Fred, X\" <fred@old.test>,\n\tal@x.y,\n  b@c.d"),
            "To: \"Fred, X\" <fred@new.test>, al@x.y, b@c.d");
  EXPECT_EQ(rewritten("group: fred@old.test, a@b.c;, joe"),
            "To: group: fred@new.test, a@b.c;, joe@example.test");
  EXPECT_EQ(rewritten("undisclosed-recipients:;"), "To: undisclosed-recipients: ;");
  EXPECT_EQ(rewritten("fred@old.test (hi (nested) there)"), "To: fred@new.test (hi (nested) there)");
  EXPECT_EQ(rewritten("\"a b\"@old.test, fred@old.test"), "To: \"a b\"@old.test, fred@new.test");
  EXPECT_EQ(rewritten("Fred <fred@old.test> , , <bob>"), "To: Fred <fred@new.test>, , <bob@example.test>");
  EXPECT_EQ(rewritten("fred@old.test bob"), "To: fred@new.test, bob@example.test");
  EXPECT_EQ(rewritten("fred @ old . test"), "To: fred@new.test");
  EXPECT_EQ(rewritten("\"a\\\"b\" <fred@old.test>, \"unterminated <bob>"),
            "To: \"a\\\"b\" <fred@new.test>, \"unterminated <bob>\"@example.test");
  EXPECT_EQ(rewritten("bob@[127.0.0.1], a\\,b, fred@old.test"),
            "To: bob@[127.0.0.1], \"a,b\"@example.test, fred@new.test");
  EXPECT_EQ(rewritten("Joe Q. Public <fred@old.test>"), "To: Joe Q.Public <fred@new.test>");
  EXPECT_EQ(rewritten("fred@old.test (c1) (c2)\n (c3)"), "To: fred@new.test (c1) (c2) (c3)");
  EXPECT_EQ(rewritten("Fred <fred@old.test> (c), x@y"), "To: Fred <fred@new.test>(c), x@y");
}

TEST(AddressList, CommentsGoBehindTheirAddress) {
  EXPECT_EQ(rewritten("bob(a)@(b)old.test, fred (c)"), "To: bob@old.test (a) (b), fred@example.test (c)");
  EXPECT_EQ(rewritten("(a) x (b) y (c)"), "To: x@example.test (a), y@example.test (b) (c)");
  EXPECT_EQ(rewritten("(a), x"), "To: (a), x@example.test");
  EXPECT_EQ(rewritten("N (a) <(b) x (c)> (d) y"), "To: N (a) <x@example.test (b) (c)>, y@example.test (d)");
  EXPECT_EQ(rewritten("<x> (a) <y>"), "To: <x@example.test>(a) <y@example.test>");
}

TEST(AddressList, BrokenListsAreRebuiltAsTheReferenceDoes) {
  EXPECT_EQ(rewritten("x, "), "To: x@example.test, ");
  EXPECT_EQ(rewritten("x; y"), "To: x@example.test;, y@example.test");
  EXPECT_EQ(rewritten("A; B <x>"), "To: A@example.test;B <x@example.test>");
  EXPECT_EQ(rewritten("a: b: x;"), "To: a:b: x@example.test;");
  EXPECT_EQ(rewritten("N <x> y <z>"), "To: N <x@example.test>y <z@example.test>");
  EXPECT_EQ(rewritten("N <x> y"), "To: N <x@example.test>, y@example.test");
  EXPECT_EQ(rewritten("x>, y"), "To: x@example.test>, y@example.test");
  EXPECT_EQ(rewritten(">x"), "To: >, x@example.test");
  EXPECT_EQ(rewritten("x\\"), "To: x@example.test");
}

std::string addresses(std::string_view value) {
  std::string all;
  const AddressList list = AddressList::parse(value);
  for (std::size_t i = 0; i < list.size(); ++i)
    all += std::string(list[i]) + (list.is_quoted_name(i) ? "*|" : "|");
  return all;
}

TEST(AddressList, FindsWhatWasWritten) {
  EXPECT_EQ(addresses("\"u\"@a, \"a@b\", u@a@b, @a, u@, us\\@er"),
            "\"u\"@a|\"a@b\"*|u@a@b|@a|u@|\"us@er\"*|");
  EXPECT_EQ(addresses("a: b, c"), "a:b|c|");
  EXPECT_EQ(addresses("a: b;, c: d"), "b|c:d|");
  EXPECT_EQ(addresses("N <u, o@x"), "N <u|o@x|");
  EXPECT_EQ(addresses("<u, <o>"), "<u|o|");
  EXPECT_EQ(addresses("N <u, o> x"), "u, o|x|");
  EXPECT_EQ(addresses("<@a,@b:u@c>, \"\""), "@a,@b:u@c|\"\"|");
}

TEST(AddressList, LongHeadersAreContinuedAfterCommas) {
  EXPECT_EQ(rewritten("fred@old.test,averylongaddress0,averylongaddress1,averylongaddress2"),
            "To: fred@new.test, averylongaddress0@example.test,\n"
            "\taverylongaddress1@example.test, averylongaddress2@example.test");
}

TEST(AddressList, TextWithoutAddressesHasNone) {
  EXPECT_TRUE(AddressList::parse("").empty());
  EXPECT_EQ(AddressList::parse("a, b (c), d", 4).size(), 2u);
  EXPECT_EQ(AddressList::parse("a, b (c), d", 4).header("To"), "To: a, b (c)");
  EXPECT_EQ(AddressList::parse("a, b (c), d", 6).size(), 3u);
  EXPECT_EQ(AddressList::parse("<>").size(), 1u);
  EXPECT_EQ(AddressList::parse("<>")[0], "");
  EXPECT_EQ(AddressList::parse(std::string(100000, '(')).size(), 0u);
}

TEST(Quote, ExternalFormQuotesWhatNeedsIt) {
  EXPECT_EQ(to_external("a b@c.d"), "\"a b\"@c.d");
  EXPECT_EQ(to_external("a@c.d"), "a@c.d");
  EXPECT_EQ(to_external("a@b@c.d"), "\"a@b\"@c.d");
  EXPECT_EQ(to_external("a\"b@c.d"), "\"a\\\"b\"@c.d");
  EXPECT_EQ(to_external("a..b@c.d"), "\"a..b\"@c.d");
  EXPECT_EQ(to_external("user"), "user");
  EXPECT_EQ(to_external(""), "");
  EXPECT_EQ(in_log("a b@c.d", LogForm::external), "\"a b\"@c.d");
  EXPECT_EQ(in_log("a b@c.d", LogForm::internal), "a b@c.d");
  EXPECT_EQ(to_internal("\"a \\\"b\"@c.d"), "a \"b@c.d");
}

TEST(Extension, AnyDelimiterSplitsUnlessTheNameIsReserved) {
  const auto plus = split_extension("user+ext", "+-");
  ASSERT_TRUE(plus);
  EXPECT_EQ(plus->user, "user");
  EXPECT_EQ(plus->extension, "ext");
  EXPECT_EQ(split_extension("user-a+b", "+-")->extension, "a+b");
  EXPECT_FALSE(split_extension("user", "+-"));
  EXPECT_FALSE(split_extension("+user", "+"));
  EXPECT_FALSE(split_extension("owner-list", "-"));
  EXPECT_FALSE(split_extension("list-request", "-"));
  EXPECT_EQ(split_extension("owner-list", "-", "double-bounce", false)->user, "owner");
  EXPECT_EQ(split_extension("list-request", "-", "double-bounce", false)->extension, "request");
  EXPECT_FALSE(split_extension("mailer-daemon", "-", "double-bounce", false));
  EXPECT_FALSE(split_extension("mailer-daemon", "-"));
  EXPECT_FALSE(split_extension("double-bounce", "-"));
  EXPECT_FALSE(split_extension("user+ext", ""));
}

TEST(HostName, RulesOfTheReference) {
  for (const char* good : {"a.b", "a", "a-b.c", "a_b.c", "1a.2", "1.2.a"})
    EXPECT_TRUE(is_valid_hostname(good)) << good;
  for (const char* bad :
       {"", ".", "a..b", "a.", ".a", "-a.b", "a-.b", "127.0.0.1", "12", "a b", "[1.2.3.4]", "\xc3\xa9.c"}) {
    EXPECT_FALSE(is_valid_hostname(bad)) << bad;
  }
  EXPECT_TRUE(is_valid_hostname("\xc3\xa9.c", true));
  EXPECT_FALSE(is_valid_hostname(std::string(64, 'x')));
  EXPECT_FALSE(is_valid_hostname(std::string(300, 'x')));
}

TEST(HostName, Literals) {
  std::string address;
  EXPECT_TRUE(is_address_literal("[127.0.0.1]", &address));
  EXPECT_EQ(address, "127.0.0.1");
  EXPECT_TRUE(is_address_literal("[IPv6:::1]", &address));
  EXPECT_EQ(address, "::1");
  for (const char* bad : {"[]", "[foo]", "[1.2.3.400]", "[1.2.3]", "[::1]", "1.2.3.4", "[1.2.3.4"})
    EXPECT_FALSE(is_address_literal(bad)) << bad;
}

}  // namespace
}  // namespace posthouse::mail
