#include "trivial-rewrite/rewriter.h"

#include <gtest/gtest.h>

namespace posthouse::trivial_rewrite {
namespace {

struct Case {
  const char* address;
  const char* result;
};

Rewriter rewriter(RewriteRules rules = {}) {
  rules.myorigin = "mx.example.com";
  rules.mydomain = "example.com";
  return Rewriter(std::move(rules));
}

// All expectations are answers of the trivial-rewrite of Postfix 3.7.11.
TEST(Rewriter, CompletesLocalAddresses) {
  for (const auto& [address, result] : {Case{"", ""},
                                        {"foo", "foo@mx.example.com"},
                                        {"foo@bar", "foo@bar"},
                                        {"foo@", "foo@"},
                                        {"@a,@b:u@c.d", "u@c.d"},
                                        {"@a:u", "u@mx.example.com"},
                                        {"u%h", "u@h"},
                                        {"u%h%i", "u%h@i"},
                                        {"u%h@mx.example.com", "u%h@mx.example.com"},
                                        {"h!u", "u@h"},
                                        {"a!b!u", "b!u@a"},
                                        {"h!u@dom.x", "h!u@dom.x"},
                                        {"h!u%z", "u%z@h"},
                                        {"foo bar", "foo bar@mx.example.com"},
                                        {"foo bar!x", "foo bar!x@mx.example.com"},
                                        {"foo@bar.", "foo@bar"},
                                        {"foo@.", "foo@."},
                                        {"foo@bar..", "foo@bar.."},
                                        {"foo@[1.2.3.4]", "foo@[1.2.3.4]"},
                                        {"a@b@c", "a@b@c"},
                                        {"u%", "u@"},
                                        {"!u", "u@"},
                                        {"-foo", "-foo@mx.example.com"}}) {
    EXPECT_EQ(rewriter().local(address), result) << address;
  }
}

TEST(Rewriter, AppendsMydomainOnRequest) {
  RewriteRules rules{.append_dot_mydomain = true};
  for (const auto& [address, result] : {Case{"foo@bar", "foo@bar.example.com"},
                                        {"foo@bar.", "foo@bar"},
                                        {"foo@[bar]", "foo@[bar]"},
                                        {"u%h", "u@h.example.com"},
                                        {"foo@", "foo@"},
                                        {"foo@bar.com", "foo@bar.com"}}) {
    EXPECT_EQ(rewriter(rules).local(address), result) << address;
  }
}

TEST(Rewriter, RemoteAddressesGetTheRemoteDomainOnly) {
  EXPECT_EQ(rewriter().remote("foo"), "foo");
  EXPECT_EQ(rewriter().remote("u%h"), "u@h");
  RewriteRules rules{.remote_domain = "dom.invalid", .append_dot_mydomain = true};
  EXPECT_EQ(rewriter(rules).remote("foo"), "foo@dom.invalid");
  EXPECT_EQ(rewriter(rules).remote("foo@bar"), "foo@bar.dom.invalid");
}

TEST(Rewriter, SwitchesTurnEachRuleOff) {
  RewriteRules rules{.append_at_myorigin = false, .swap_bangpath = false, .allow_percent_hack = false};
  for (const char* address : {"foo", "u%h", "h!u"}) EXPECT_EQ(rewriter(rules).local(address), address);
}

}  // namespace
}  // namespace posthouse::trivial_rewrite
