#include <gtest/gtest.h>

#include "lib/table/address_lookup.h"
#include "lib/table/match_list.h"
#include "lib/table/table_list.h"

namespace posthouse::table {
namespace {

class Lists : public testing::Test {
 protected:
  Tables tables_{Settings{}, text_types()};

  std::string find(std::string_view text, std::string_view address,
                   AddressKeys keys = AddressKeys::standard) {
    const TableList list(tables_, "test_maps", text);
    AddressRules rules;
    rules.recipient_delimiter = "+-";
    rules.myorigin = "origin.test";
    rules.is_local_domain = [](std::string_view domain) -> Result<bool> { return domain == "local.test"; };
    auto answer = find_address(list, address, rules, keys);
    if (auto* match = std::get_if<AddressMatch>(&answer))
      return match->value + (match->extension.empty() ? "" : " ext=" + match->extension) +
             (match->by_domain ? " domain" : "");
    return std::holds_alternative<Failure>(answer) ? "FAIL" : "NONE";
  }
  MatchList list(std::string_view text, MatchList::Kind kind, bool parents = false) {
    return MatchList(tables_, "test_list", text, {.kind = kind, .parent_matches_subdomains = parents});
  }
};

std::string outcome(const Result<bool>& result) {
  if (!result) return "FAIL";
  return *result ? "yes" : "no";
}

}  // namespace

TEST_F(Lists, TheFirstTableWins) {
  const TableList list(tables_, "x_maps", "inline:{a=1}, inline:{a=2,b=3} static:4");
  EXPECT_EQ(std::get<std::string>(list.lookup("a")), "1");
  EXPECT_EQ(std::get<std::string>(list.lookup("b")), "3");
  EXPECT_EQ(std::get<std::string>(list.lookup("c")), "4");
}

TEST_F(Lists, AFailureEndsTheSearch) {
  const TableList list(tables_, "x_maps", "inline:{a=1}, fail:x, static:4");
  EXPECT_EQ(std::get<std::string>(list.lookup("a")), "1");
  EXPECT_TRUE(std::holds_alternative<Failure>(list.lookup("b")));
}

TEST_F(Lists, AnEmptyValueIsAFailure) {
  const TableList list(tables_, "x_maps", "inline:{a=}, static:4");
  EXPECT_TRUE(std::holds_alternative<Failure>(list.lookup("a")));
}

TEST_F(Lists, PatternTablesSeeWholeKeysOnly) {
  const TableList list(tables_, "x_maps", "regexp:{{/./ all}}");
  EXPECT_TRUE(std::holds_alternative<NotFound>(list.lookup("dom", KeyPart::partial)));
  EXPECT_TRUE(std::holds_alternative<std::string>(list.lookup("a@dom", KeyPart::whole)));
}

TEST_F(Lists, AddressKeysAreAskedInOrder) {
  const std::string all = "inline:{user+ext@local.test=1,user@local.test=2,user+ext=3,user=4,@local.test=5}";
  EXPECT_EQ(find(all, "user+ext@local.test"), "1");
  EXPECT_EQ(find("inline:{user@local.test=2,user+ext=3,user=4,@local.test=5}", "user+ext@local.test"),
            "2 ext=+ext");
  EXPECT_EQ(find("inline:{user+ext=3,user=4,@local.test=5}", "user+ext@local.test"), "3");
  EXPECT_EQ(find("inline:{user=4,@local.test=5}", "user+ext@local.test"), "4 ext=+ext");
  EXPECT_EQ(find("inline:{@local.test=5}", "user+ext@local.test"), "5 domain");
}

TEST_F(Lists, LocalPartsCountInLocalDomainsOnly) {
  EXPECT_EQ(find("inline:{user=4}", "user@origin.test"), "4");
  EXPECT_EQ(find("inline:{user=4}", "user@other.test"), "NONE");
  EXPECT_EQ(find("inline:{user=4}", "user"), "4");
}

TEST_F(Lists, ExternalFormComesFirst) {
  EXPECT_EQ(find("regexp:{ {/^\"a b\"@/ quoted} {/^a b@/ plain} }", "a b@x.test"), "quoted");
  EXPECT_EQ(find("regexp:{ {/^a b@/ plain} }", "a b@x.test"), "plain");
}

TEST_F(Lists, RewritingKnowsTheExternalFormOnly) {
  const TableList list(tables_, "x_maps", "regexp:{ {/^a b@/ plain} }");
  EXPECT_TRUE(std::holds_alternative<NotFound>(find_address(list, "a b@x.test", {}, AddressKeys::rewriting)));
}

TEST_F(Lists, ReservedNamesAreNotSplit) {
  EXPECT_EQ(find("inline:{owner@x.test=1}", "owner-list@x.test"), "NONE");
  EXPECT_EQ(find("inline:{mailer=1}", "mailer-daemon@local.test"), "NONE");
}

TEST_F(Lists, AccessOrderTriesDomainsBeforeUserAt) {
  EXPECT_EQ(find("inline:{user@=1,x.test=2}", "user@x.test", AddressKeys::access), "2");
  EXPECT_EQ(find("inline:{user@=1}", "user+e@x.test", AddressKeys::access), "1 ext=+e");
  EXPECT_EQ(find("inline:{.test=3}", "user@x.test", AddressKeys::access), "3");
}

TEST_F(Lists, ClientAddressesAreCut) {
  const TableList list(tables_, "x", "inline:{192.0.2=net,{2001:db8 = six}}");
  EXPECT_EQ(std::get<std::string>(find_client_address(list, "192.0.2.7")), "net");
  EXPECT_TRUE(std::holds_alternative<NotFound>(find_client_address(list, "192.0.3.7")));
  EXPECT_EQ(std::get<std::string>(find_client_address(list, "2001:db8::1")), "six");
}

TEST_F(Lists, DomainListsMatchParentsAsConfigured) {
  const auto strict = list("example.com, .sub.test, !bad.example.org, .example.org", MatchList::Kind::domain);
  EXPECT_EQ(outcome(strict.matches("EXAMPLE.com")), "yes");
  EXPECT_EQ(outcome(strict.matches("x.example.com")), "no");
  EXPECT_EQ(outcome(strict.matches("x.sub.test")), "yes");
  EXPECT_EQ(outcome(strict.matches("sub.test")), "no");
  EXPECT_EQ(outcome(strict.matches("bad.example.org")), "no");
  EXPECT_EQ(outcome(strict.matches("good.example.org")), "yes");
  const auto wide = list("example.com", MatchList::Kind::domain, true);
  EXPECT_EQ(outcome(wide.matches("x.example.com")), "yes");
  EXPECT_EQ(outcome(wide.matches("xexample.com")), "no");
}

TEST_F(Lists, TablesInListsMatchByKey) {
  const auto domains = list("inline:{example.com=x,.sub.test=y}", MatchList::Kind::domain);
  EXPECT_EQ(outcome(domains.matches("example.com")), "yes");
  EXPECT_EQ(outcome(domains.matches("a.sub.test")), "yes");
  EXPECT_EQ(outcome(domains.matches("a.example.com")), "no");
  EXPECT_EQ(outcome(list("fail:x", MatchList::Kind::domain).matches("a")), "FAIL");
  EXPECT_EQ(outcome(list("a fail:x", MatchList::Kind::domain).matches("a")), "yes");
}

TEST_F(Lists, AddressListsKnowNetworksAndNames) {
  const auto clients = list("127.0.0.0/8 !10.0.0.1 10.0.0.0/24 [::1]/128 [2001:db8::]/32 .example.com",
                            MatchList::Kind::address, true);
  EXPECT_EQ(outcome(clients.matches("unknown", "127.1.2.3")), "yes");
  EXPECT_EQ(outcome(clients.matches("unknown", "10.0.0.1")), "no");
  EXPECT_EQ(outcome(clients.matches("unknown", "10.0.0.2")), "yes");
  EXPECT_EQ(outcome(clients.matches("unknown", "::1")), "yes");
  EXPECT_EQ(outcome(clients.matches("unknown", "2001:db8:1::5")), "yes");
  EXPECT_EQ(outcome(clients.matches("unknown", "192.0.2.1")), "no");
}

TEST_F(Lists, APatternThatMakesNoSenseFailsRatherThanMisses) {
  const auto clients = list("127.0.0.1 10.0.0.1/8", MatchList::Kind::address);
  EXPECT_EQ(outcome(clients.matches("unknown", "127.0.0.1")), "yes");
  EXPECT_EQ(outcome(clients.matches("unknown", "192.0.2.1")), "FAIL");
  ASSERT_EQ(clients.warnings().size(), 1u);
  EXPECT_EQ(clients.warnings()[0],
            "test_list: non-null host address bits in \"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" "
            "instead");
}

TEST_F(Lists, MissingFilesFail) {
  EXPECT_EQ(outcome(list("/nonexistent/file", MatchList::Kind::domain).matches("a")), "FAIL");
}

TEST_F(Lists, AMatchListKnowsItsNames) {
  const auto domains = list(
      "B.test, !c.test, .d.test, inline:{A.test=x, .sub.test=x}, !inline:{n.test=x}, "
      "static:x, fail:x, inline:{z.test=x}",
      MatchList::Kind::domain);
  using Names = std::vector<std::string>;
  EXPECT_EQ(domains.names(100), (Names{"b.test", "a.test", "z.test"}));
  EXPECT_EQ(domains.names(2), (Names{"b.test", "a.test"}));
  EXPECT_EQ(domains.names(0), (Names{"b.test"}));
  EXPECT_FALSE(domains.may_wait());
}

}  // namespace posthouse::table
