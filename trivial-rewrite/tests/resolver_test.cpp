#include "trivial-rewrite/resolver.h"

#include <gtest/gtest.h>

#include "lib/table/text_types.h"

namespace posthouse::trivial_rewrite {
namespace {

using ipc::AddressClass;
using Status = ipc::Resolved::Status;

// A resolver with the configuration under which Postfix 3.7.11 gave the expected answers.
class MailHost {
 public:
  ResolveRules rules{.myhostname = "mx.example.com", .myorigin = "mx.example.com"};
  std::string mydestination = "mx.example.com, localhost, example.com";
  std::string virtual_alias_domains = "alias.example";
  std::string relay_domains = "relay.example";
  std::string relocated_maps;
  std::string transport_maps;
  std::string sender_relayhosts, sender_transports;
  Routes routes{.local_transport = "local:mx.example.com",
                .virtual_transport = "virtual",
                .relay_transport = "relay",
                .default_transport = "smtp"};
  FakeClock clock;

  MailHost() { rules.addresses.recipient_delimiter = "+"; }

  ipc::Resolved resolve(std::string_view recipient, std::string_view sender = "") {
    if (!resolver_) build();
    return resolver_->resolve(routes, sender, recipient);
  }
  // "transport:nexthop", or the status.
  std::string route(std::string_view recipient, std::string_view sender = "") {
    const ipc::Resolved out = resolve(recipient, sender);
    if (out.status == Status::bad_syntax) return "bad syntax";
    if (out.status == Status::temporary) return "temporary";
    return out.transport + ":" + out.nexthop;
  }

 private:
  table::MatchList domains(std::string_view title, const std::string& text, bool parents = false) {
    return {
        tables_, title, text, {.kind = table::MatchList::Kind::domain, .parent_matches_subdomains = parents}};
  }
  void build() {
    Domains all{.local = domains("mydestination", mydestination),
                .virtual_alias = domains("virtual_alias_domains", virtual_alias_domains),
                .virtual_mailbox = domains("virtual_mailbox_domains", "box.example"),
                .relay = domains("relay_domains", relay_domains, true),
                .own = config::OwnAddresses({"127.0.0.1", "::1"})};
    routes.transport_maps = {tables_, "transport_maps", transport_maps};
    routes.sender_relayhost_maps = {tables_, "sender_dependent_relayhost_maps", sender_relayhosts};
    routes.sender_transport_maps = {tables_, "sender_dependent_default_transport_maps", sender_transports};
    resolver_ = std::make_unique<Resolver>(
        rules, Rewriter({.myorigin = "mx.example.com", .mydomain = "example.com"}), std::move(all),
        table::TableList(tables_, "relocated_maps", relocated_maps), clock);
  }

  table::Tables tables_{{}, table::text_types()};
  std::unique_ptr<Resolver> resolver_;
};

struct Case {
  const char* recipient;
  const char* route;
  const char* final_recipient;
};

TEST(Resolver, KnowsTheClassesOfDomains) {
  MailHost setup;
  EXPECT_EQ(setup.resolve("foo@example.com").address_class, AddressClass::local);
  EXPECT_EQ(setup.resolve("foo@alias.example").address_class, AddressClass::virtual_alias);
  EXPECT_EQ(setup.resolve("foo@box.example").address_class, AddressClass::virtual_mailbox);
  EXPECT_EQ(setup.resolve("foo@relay.example").address_class, AddressClass::relay);
  EXPECT_EQ(setup.resolve("foo@sub.relay.example").address_class, AddressClass::relay);
  EXPECT_EQ(setup.resolve("foo@sub.alias.example").address_class, AddressClass::other);
}

TEST(Resolver, RoutesEveryFormOfAddress) {
  MailHost setup;
  for (const auto& [recipient, route, final_recipient] :
       {Case{"foo@example.com", "local:mx.example.com", "foo@example.com"},
        {"foo", "local:mx.example.com", "foo@mx.example.com"},
        {"", "local:mx.example.com", "MAILER-DAEMON@mx.example.com"},
        {"foo@localhost", "local:mx.example.com", "foo@localhost"},
        {"foo@alias.example", "error:5.1.1 User unknown in virtual alias table", "foo@alias.example"},
        {"foo@box.example", "virtual:box.example", "foo@box.example"},
        {"foo@sub.relay.example", "relay:sub.relay.example", "foo@sub.relay.example"},
        {"foo@[127.0.0.1]", "local:mx.example.com", "foo@[127.0.0.1]"},
        {"foo@[IPv6:::1]", "local:mx.example.com", "foo@[IPv6:::1]"},
        {"foo@[::1]", "bad syntax", "foo@[::1]"},
        {"foo@[1.2.3.4]", "smtp:[1.2.3.4]", "foo@[1.2.3.4]"},
        {"foo@127.0.0.1", "bad syntax", "foo@127.0.0.1"},
        {"foo@", "bad syntax", "foo@"},
        {"u%v@", "smtp:v", "u@v"},
        {"a@example.com@", "local:mx.example.com", "a@example.com"},
        {"@example.com", "local:mx.example.com", "MAILER-DAEMON@example.com"},
        {"@other.test", "smtp:other.test", "@other.test"},
        {"u%o.test@example.com", "smtp:o.test", "u@o.test"},
        {"u%o.test@other.test", "smtp:other.test", "u%o.test@other.test"},
        {"o.test!u@example.com", "smtp:o.test", "u@o.test"},
        {"a@b@example.com", "smtp:b", "a@b"},
        {"a@example.com@example.com", "local:mx.example.com", "a@example.com"},
        {"a b@example.com", "local:mx.example.com", "a b@example.com"},
        {"foo@Example.COM", "local:mx.example.com", "foo@Example.COM"},
        {"Foo@Other.Test", "smtp:Other.Test", "Foo@Other.Test"},
        {"foo@bad_domain!", "bad syntax", "foo@bad_domain!"},
        {"foo@a..b", "bad syntax", "foo@a..b"},
        {"foo@a.", "smtp:a", "foo@a"},
        {"foo@-a", "bad syntax", "foo@-a"},
        {"-foo@example.com", "bad syntax", "-foo@example.com"},
        {"u%h@[127.0.0.1]", "smtp:h", "u@h"},
        {"u%h", "smtp:h", "u@h"},
        {"h!u", "smtp:h", "u@h"},
        {"u%v%w@example.com", "smtp:w", "u%v@w"},
        {"foo@1234", "bad syntax", "foo@1234"},
        {"u%@example.com", "bad syntax", "u@"},
        {"u!@example.com", "smtp:u", "@u"},
        {"foo@other_test", "smtp:other_test", "foo@other_test"}}) {
    EXPECT_EQ(setup.route(recipient), route) << recipient;
    EXPECT_EQ(setup.resolve(recipient).recipient, final_recipient) << recipient;
  }
}

TEST(Resolver, TellsOfRoutesInTheLocalPart) {
  MailHost setup;
  for (const char* routed :
       {"u%o@other.test", "a@b@relay.example", "u%v%w@example.com", "u@x@alias.example"}) {
    EXPECT_TRUE(setup.resolve(routed).is_routed) << routed;
  }
  for (const char* plain : {"u%o@example.com", "foo@other.test", "a b@other.test"}) {
    EXPECT_FALSE(setup.resolve(plain).is_routed) << plain;
  }
}

TEST(Resolver, SwitchesOfTheAddressForm) {
  MailHost setup;
  setup.rules.null_domain = setup.rules.numeric_domain = setup.rules.allow_min_user = true;
  setup.rules.dequoted = false;
  EXPECT_EQ(setup.resolve("foo@").recipient, "foo@mx.example.com");
  EXPECT_EQ(setup.resolve("foo@127.0.0.1").recipient, "foo@[127.0.0.1]");
  EXPECT_EQ(setup.route("foo@1.2.3.4"), "smtp:[1.2.3.4]");
  EXPECT_EQ(setup.route("-foo@example.com"), "local:mx.example.com");
  EXPECT_EQ(setup.route("a@b@example.com"), "local:mx.example.com");
  EXPECT_EQ(setup.route("a%b@example.com"), "smtp:b");
  EXPECT_EQ(setup.route("a b!c@example.com"), "local:mx.example.com");
}

TEST(Resolver, RelayhostServesOnlyForeignDomainsWithoutANextHop) {
  MailHost setup;
  setup.routes.relayhost = "[gw]:26";
  EXPECT_EQ(setup.route("foo@example.com"), "local:mx.example.com");
  EXPECT_EQ(setup.route("foo@relay.example"), "relay:[gw]:26");
  EXPECT_EQ(setup.route("foo@other.test"), "smtp:[gw]:26");
  EXPECT_EQ(setup.route("foo@[1.2.3.4]"), "smtp:[gw]:26");
  EXPECT_EQ(setup.route("foo@box.example"), "virtual:box.example");
  setup.routes.relay_transport = "relay:[rt]";
  setup.routes.default_transport = "smtp:[dt]";
  EXPECT_EQ(setup.route("foo@relay.example"), "relay:[rt]");
  EXPECT_EQ(setup.route("foo@other.test"), "smtp:[dt]");
  setup.routes.default_transport = "uucp:";
  EXPECT_EQ(setup.route("foo@other.test"), "uucp:[gw]:26");
  setup.routes.default_transport = ":x";
  EXPECT_EQ(setup.route("foo@other.test"), "temporary");
}

TEST(Resolver, SenderChoosesTheRelayhost) {
  MailHost setup;
  setup.routes.relayhost = "[gw]";
  setup.sender_relayhosts =
      "inline:{a@s.test=[sdr], @s2.test=[sdr2], b@s.test=DUNNO, <>=[null], @s.test=[at]}";
  EXPECT_EQ(setup.route("foo@other.test", ""), "smtp:[null]");
  EXPECT_EQ(setup.route("foo@relay.example", "a@s.test"), "relay:[sdr]");
  EXPECT_EQ(setup.route("foo@other.test", "a+x@s.test"), "smtp:[sdr]");
  EXPECT_EQ(setup.route("foo@other.test", "A@S.Test"), "smtp:[sdr]");
  EXPECT_EQ(setup.route("foo@other.test", "x@s2.test"), "smtp:[sdr2]");
  EXPECT_EQ(setup.route("foo@other.test", "b@s.test"), "smtp:[gw]");
  EXPECT_EQ(setup.route("foo@other.test", "z@s.test"), "smtp:[at]");
  EXPECT_EQ(setup.route("foo@other.test", "q@sub.s2.test"), "smtp:[gw]");
}

TEST(Resolver, SenderChoosesTheDefaultTransport) {
  MailHost setup;
  setup.routes.relayhost = "[gw]";
  setup.sender_transports =
      "inline:{ {a@s.test=sdt:[hop]}, {@s2.test=sdt2:}, {b@s.test=DUNNO}, {<>=null:}, {d@s.test=:hop}, "
      "{f@s.test=error:5.7.1 no way} }";
  EXPECT_EQ(setup.route("foo@other.test", ""), "null:[gw]");
  EXPECT_EQ(setup.route("foo@other.test", "a@s.test"), "sdt:[hop]");
  EXPECT_EQ(setup.route("foo@relay.example", "a@s.test"), "relay:[gw]");
  EXPECT_EQ(setup.route("foo@other.test", "x@s2.test"), "sdt2:[gw]");
  EXPECT_EQ(setup.route("foo@other.test", "b@s.test"), "smtp:[gw]");
  EXPECT_EQ(setup.route("foo@other.test", "d@s.test"), "temporary");
  EXPECT_EQ(setup.route("foo@other.test", "f@s.test"), "error:5.7.1 no way");
  EXPECT_EQ(setup.route("foo@example.com", "a@s.test"), "local:mx.example.com");
}

TEST(Resolver, TransportMapsAreAskedFromTheFullAddressToTheWildcard) {
  MailHost setup;
  setup.transport_maps =
      "inline:{ {foo+e@other.test=full:[f]}, {foo@example.com=:}, {.other.test=dot:}, {other.test=:[nh]}, "
      "{bar@other.test=noext}, {.com=com:[c]}, {[1.2.3.4]=lit:}, {*=star:[s]}, {relay.example=error:}, "
      "{box.example=retry:4.0.0 wait}, {alias.example=al:} }";
  for (const auto& [recipient, route, unused] :
       {Case{"foo+e@other.test", "full:[f]", ""},
        {"bar+x@other.test", "noext:other.test", ""},
        {"foo@example.com", "local:mx.example.com", ""},
        {"z@x.other.test", "dot:x.other.test", ""},
        {"z@Other.Test", "smtp:[nh]", ""},
        {"z@sub.example.com", "com:[c]", ""},
        {"z@[1.2.3.4]", "lit:[1.2.3.4]", ""},
        {"z@nowhere.test", "star:[s]", ""},
        {"z@relay.example", "error:Address is undeliverable", ""},
        {"z@box.example", "retry:4.0.0 wait", ""},
        {"z@alias.example", "error:5.1.1 User unknown in virtual alias table", ""}}) {
    EXPECT_EQ(setup.route(recipient), route) << recipient;
  }
}

TEST(Resolver, TheWildcardIsReadAgainAfterHalfAMinuteAndWhenTheClockWasSetBack) {
  MailHost setup;
  setup.transport_maps = "environ:any";
  ::setenv("*", "one:[a]", 1);
  EXPECT_EQ(setup.route("foo@other.test"), "one:[a]");
  ::setenv("*", "two:[b]", 1);
  EXPECT_EQ(setup.route("foo@other.test"), "one:[a]");
  setup.clock.advance(std::chrono::seconds(30));
  EXPECT_EQ(setup.route("foo@other.test"), "two:[b]");
  ::setenv("*", "three:[c]", 1);
  setup.clock.advance(-std::chrono::hours(24));
  EXPECT_EQ(setup.route("foo@other.test"), "three:[c]");
  ::unsetenv("*");
}

TEST(Resolver, ATransportWithoutNextHopForgetsTheRelayhost) {
  MailHost setup;
  setup.routes.relayhost = "[gw]";
  setup.transport_maps = "inline:{ {other.test=smtp}, {example.com=local:}, {relay.example=:} }";
  EXPECT_EQ(setup.route("foo@other.test"), "smtp:other.test");
  EXPECT_EQ(setup.route("foo@example.com"), "local:example.com");
  EXPECT_EQ(setup.route("foo@relay.example"), "relay:[gw]");
}

TEST(Resolver, ParentDomainsMatchOnRequest) {
  MailHost setup;
  setup.transport_maps = "inline:{ {other.test=pd:} }";
  EXPECT_EQ(setup.route("foo@b.c.other.test"), "smtp:b.c.other.test");
  setup.routes.parent_domain_matches = true;
  EXPECT_EQ(setup.route("foo@b.c.other.test"), "pd:b.c.other.test");
}

TEST(Resolver, RelocatedUsersAreReturned) {
  MailHost setup;
  setup.relocated_maps = "inline:{foo@other.test=new@place, @relay.example=elsewhere}";
  EXPECT_EQ(setup.route("foo+e@other.test"), "error:5.1.6 User has moved to new@place");
  EXPECT_EQ(setup.route("x@relay.example"), "error:5.1.6 User has moved to elsewhere");
  EXPECT_EQ(setup.route("x@other.test"), "smtp:other.test");
}

TEST(Resolver, ABrokenTableDefersAndNeverChoosesAnotherRoute) {
  MailHost broken_maps;
  broken_maps.transport_maps = "fail:x";
  EXPECT_EQ(broken_maps.route("foo@example.com"), "temporary");
  EXPECT_EQ(broken_maps.route("foo@other.test"), "temporary");
  MailHost broken_local;
  broken_local.mydestination = "fail:x";
  EXPECT_EQ(broken_local.route("foo@other.test"), "temporary");
  MailHost broken_relay;
  broken_relay.relay_domains = "fail:x";
  EXPECT_EQ(broken_relay.route("foo@example.com"), "local:mx.example.com");
  EXPECT_EQ(broken_relay.route("foo@box.example"), "virtual:box.example");
  EXPECT_EQ(broken_relay.route("foo@other.test"), "temporary");
  MailHost broken_relocated;
  broken_relocated.relocated_maps = "fail:x";
  EXPECT_EQ(broken_relocated.route("foo@other.test"), "temporary");
}

TEST(Resolver, TheFirstClassWinsWhenADomainIsInTwo) {
  MailHost setup;
  setup.virtual_alias_domains = "alias.example, example.com, box.example";
  EXPECT_EQ(setup.resolve("foo@example.com").address_class, AddressClass::local);
  EXPECT_EQ(setup.resolve("foo@box.example").address_class, AddressClass::virtual_alias);
}

}  // namespace
}  // namespace posthouse::trivial_rewrite
