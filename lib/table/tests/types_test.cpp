#include <gtest/gtest.h>

#include "lib/table/tables.h"

namespace posthouse::table {
namespace {

class TextTypes : public testing::Test {
 protected:
  std::string ask(const std::string& spec, std::string_view key, Flag flags = kLookupFlags) {
    auto table = tables_.open(spec, flags);
    if (!table) return "OPEN " + table.error().text;
    Lookup answer = (*table)->query(key);
    if (auto* value = std::get_if<std::string>(&answer)) return *value;
    if (auto* failure = std::get_if<Failure>(&answer)) return "FAIL " + failure->text;
    return "NONE";
  }
  Tables tables_{Settings{}, text_types()};
};

// Remembers which calls have reached it.
class CalledTable : public Table {
 public:
  using Table::Table;
  Result<void> update(std::string_view key, std::string_view) override { return note("update", key); }
  Result<void> update_plain(std::string_view key, std::string_view) override { return note("plain", key); }
  Result<bool> erase(std::string_view key) override { return note("erase", key), true; }
  Result<void> finish() override { return note("finish", ""); }
  static inline std::string calls;

 protected:
  Lookup find(std::string_view key) override { return note("find", key), NotFound{}; }

 private:
  static Result<void> note(std::string_view what, std::string_view key) {
    calls.append(what).append(":").append(key).append(" ");
    return {};
  }
};

}  // namespace

TEST_F(TextTypes, InlineFoldsKeys) {
  EXPECT_EQ(ask("inline:{A=b, {c = d e}, {f=g}}", "a"), "b");
  EXPECT_EQ(ask("inline:{A=b, {c = d e}, {f=g}}", "C"), "d e");
  EXPECT_EQ(ask("inline:{A=b}", "x"), "NONE");
  EXPECT_EQ(ask("inline:{ {É = ü} }", "é"), "ü");
}

TEST_F(TextTypes, InlineNamesMayBeQuoted) {
  EXPECT_EQ(ask(R"(inline:{ {"a b"@c = d} })", R"("a b"@c)"), "d");
  EXPECT_EQ(ask(R"(inline:{ {"a\"= b"@c=d=e} })", R"("a\"= b"@c)"), "d=e");
  EXPECT_EQ(ask(R"(inline:{ {"a=b} })", "a"),
            R"(OPEN unbalanced '"': "inline:{ {"a=b} }"; need "inline:{name=value...}")");
}

TEST_F(TextTypes, InlineSaysWhatIsWrong) {
  EXPECT_EQ(ask("inline:x", "a"), "OPEN bad syntax: \"inline:x\"; need \"inline:{name=value...}\"");
  EXPECT_EQ(ask("inline:{a}", "a"),
            "OPEN missing '=' after attribute name: \"inline:{a}\"; need \"inline:{name=value...}\"");
}

TEST_F(TextTypes, StaticAnswersAll) {
  EXPECT_EQ(ask("static:one", "x"), "one");
  EXPECT_EQ(ask("static:{ a b }", "x"), "a b");
  EXPECT_EQ(ask("static:{a b", "x"), "OPEN bad static:name syntax: missing '}' in \"{a b\"");
}

TEST_F(TextTypes, CompoundTablesKeepTheThreeOutcomes) {
  EXPECT_EQ(ask("unionmap:{static:one,inline:{a=b}}", "a"), "one,b");
  EXPECT_EQ(ask("unionmap:{inline:{a=b}}", "x"), "NONE");
  EXPECT_EQ(ask("unionmap:{static:y,fail:x}", "a"), "FAIL Application error");
  EXPECT_EQ(ask("pipemap:{static:one,inline:{one=two}}", "a"), "two");
  EXPECT_EQ(ask("pipemap:{inline:{b=c},fail:x}", "a"), "NONE");
  EXPECT_EQ(ask("pipemap:{inline:{a=c},fail:x}", "a"), "FAIL Application error");
}

TEST_F(TextTypes, UnknownTypesAreNamed) {
  EXPECT_EQ(ask("foo:bar", "a"), "OPEN unsupported dictionary type: foo");
  EXPECT_EQ(ask("static:", "a"), "OPEN open dictionary: expecting \"type:name\" form instead of \"static:\"");
}

TEST_F(TextTypes, ATypeThatIsNotBuiltInNamesThePackage) {
  const Types types{{"mysql", {nullptr, "libmariadb-dev"}}};
  Tables tables(Settings{}, types);
  EXPECT_EQ(tables.open("mysql:/x").error().text,
            "unsupported dictionary type: mysql: not built in; install libmariadb-dev and build again");
}

TEST_F(TextTypes, CidrTakesTheFirstMatch) {
  const std::string spec =
      "cidr:{ {10.0.0.1 host} {!10.0.0.0/8 other} {if 10.1.0.0/16} {10.1.2.0/24 inner} {endif} "
      "{2001:db8::/32 six} {0.0.0.0/0 rest} }";
  EXPECT_EQ(ask(spec, "10.0.0.1"), "host");
  EXPECT_EQ(ask(spec, "11.0.0.1"), "other");
  EXPECT_EQ(ask(spec, "10.1.2.3"), "inner");
  EXPECT_EQ(ask(spec, "10.1.3.3"), "rest");
  EXPECT_EQ(ask(spec, "2001:db8::1"), "six");
  EXPECT_EQ(ask(spec, "::1"), "NONE");  // a negated IPv4 pattern says nothing about IPv6
  EXPECT_EQ(ask(spec, "example.com"), "NONE");
}

TEST_F(TextTypes, RegexpSubstitutesAndNests) {
  const std::string spec =
      "regexp:{ {/^(a+)(b)?$/ $1-${2}.$(1)} {if /^x/} {/y$/ xy} {!/z/ noz} {endif} {/case/i CASE} {/dollar/ "
      "$$} }";
  EXPECT_EQ(ask(spec, "aab"), "aa-b.aa");
  EXPECT_EQ(ask(spec, "aa"), "aa-.aa");
  EXPECT_EQ(ask(spec, "xy"), "xy");
  EXPECT_EQ(ask(spec, "xa"), "noz");
  EXPECT_EQ(ask(spec, "xz"), "NONE");
  EXPECT_EQ(ask(spec, "CASE"), "NONE");
  EXPECT_EQ(ask(spec, "case"), "CASE");
  EXPECT_EQ(ask(spec, "dollar"), "$");
}

TEST_F(TextTypes, RegexpRulesThatMakeNoSenseAreSkipped) {
  EXPECT_EQ(ask("regexp:{ {/b[/ bad} {/c/q bad} {/d(x)/ $2} {endif} {/e/ good} }", "e"), "good");
}

TEST_F(TextTypes, SubstitutionIsRefusedWhereItIsNotSafe) {
  const std::string spec = "regexp:{ {/(.*)/ $1} {/a/ fixed} }";
  EXPECT_EQ(ask(spec, "a", kLookupFlags | Flag::no_substitution), "fixed");
}

TEST_F(TextTypes, EmptyAndForeignKeysAreNotAsked) {
  EXPECT_EQ(ask("fail:x", ""), "NONE");
  EXPECT_EQ(ask("fail:x", "\xff"), "NONE");
  EXPECT_EQ(ask("fail:x", "a"), "FAIL Application error");
}

TEST_F(TextTypes, AKeyWithANulIsAskedOfPatternsOnly) {
  using namespace std::string_view_literals;
  for (const std::string_view key : {"a\0"sv, "a\0b"sv, "\0a"sv}) {
    EXPECT_EQ(ask("inline:{a=b}", key), "NONE");
    EXPECT_EQ(ask("static:b", key), "NONE");
    EXPECT_EQ(ask("inline:{a=b}", key, Flag::none), "NONE");
  }
  EXPECT_EQ(ask("regexp:{{/^a/ b}}", "a\0b"sv), "b");
}

TEST_F(TextTypes, AnEmptyOrForeignValueIsTrouble) {
  auto empty = tables_.open("inline:{a=}");
  EXPECT_TRUE(std::holds_alternative<Failure>((*empty)->lookup("a")));
  EXPECT_EQ(ask("static:\xff", "a"), "FAIL malformed UTF-8 in lookup result");
}

TEST_F(TextTypes, DebugPassesEveryCallOn) {
  Types types = text_types();
  types["called"].open = [](Tables&, std::string_view name, Flag flags) -> Result<std::unique_ptr<Table>> {
    return std::make_unique<CalledTable>("called", std::string(name), flags);
  };
  Tables tables(Settings{}, types);
  CalledTable::calls.clear();
  auto table = tables.open_private("debug:called:x", Flag::write);
  ASSERT_TRUE(table);
  EXPECT_TRUE((*table)->update("A", "1"));
  EXPECT_TRUE((*table)->update_plain("B", "2"));
  EXPECT_TRUE((*table)->erase("C"));
  (void)(*table)->query("D");
  EXPECT_TRUE((*table)->finish());
  EXPECT_EQ(CalledTable::calls, "update:A plain:B erase:C find:D finish: ");
}

TEST_F(TextTypes, EnvironReadsTheEnvironment) {
  ::setenv("TABLE_TEST_NAME", "value", 1);
  EXPECT_EQ(ask("environ:x", "TABLE_TEST_NAME", Flag::none), "value");
  EXPECT_EQ(ask("environ:x", "TABLE_TEST_OTHER", Flag::none), "NONE");
}

TEST_F(TextTypes, ATableThatCannotBeOpenedFailsItsLookups) {
  auto table = tables_.open_or_failing("texthash:/nonexistent/file");
  EXPECT_TRUE(std::holds_alternative<Failure>(table->lookup("a")));
}

TEST_F(TextTypes, RegisteredNamesAreThoseOfTheLog) {
  EXPECT_EQ((*tables_.open("static:x"))->registered_name(), "static:x(0,lock|fold_fix|utf8_request)");
}

}  // namespace posthouse::table
