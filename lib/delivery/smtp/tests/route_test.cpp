#include "lib/delivery/smtp/route.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <map>
#include <set>
#include <utility>

namespace posthouse::delivery::smtp {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Answers from a table; what is not in it does not exist.
class FakeDns : public dns::Lookups {
 public:
  void add(const std::string& name, dns::Type type, std::string value, unsigned preference = 0) {
    auto& reply = reply_of(name, type);
    reply.outcome = dns::Outcome::found;
    reply.records.push_back({.name = name,
                             .type = type,
                             .preference = static_cast<std::uint16_t>(preference),
                             .value = std::move(value)});
  }
  void set(const std::string& name, dns::Type type, dns::Outcome outcome) {
    reply_of(name, type).outcome = outcome;
  }
  dns::Reply query(std::string_view name, dns::Type type, Deadline) override {
    queries.push_back(fmt::format("{} {}", name, dns::name_of(type)));
    const auto found = replies_.find({std::string(name), type});
    if (found != replies_.end()) return found->second;
    dns::Reply reply;
    reply.outcome = dns::Outcome::no_host;
    reply.name = name;
    reply.type = type;
    return reply;
  }
  std::vector<std::string> queries;

 private:
  dns::Reply& reply_of(const std::string& name, dns::Type type) {
    auto& reply = replies_[{name, type}];
    reply.name = name;
    reply.type = type;
    return reply;
  }
  std::map<std::pair<std::string, dns::Type>, dns::Reply> replies_;
};

struct World {
  FakeDns dns;
  RouteSettings settings{
      .use_ipv6 = false, .randomize = false, .default_service = "25", .myhostname = "me.test"};
  std::function<std::size_t(std::size_t)> random = [](std::size_t) { return std::size_t{0}; };
  dns::HostAddresses native{
      .outcome = dns::Outcome::no_host, .addresses = {}, .reason = "Name or service not known"};

  Result<std::vector<Server>> route(std::string_view text) {
    Router router(
        settings,
        {.dns = &dns, .native = [this](const std::string&, int) { return native; }, .random = random});
    auto destination = parse_destination(text, settings.default_service, settings.is_lmtp);
    if (!destination) return fail(destination.error());
    return router.route(*destination);
  }
  std::vector<std::string> names(std::string_view text) {
    std::vector<std::string> found;
    auto servers = route(text);
    if (!servers) return {servers.error().dsn + " " + servers.error().text};
    for (const Server& server : *servers) found.push_back(server.name_and_port());
    return found;
  }
};

TEST(Route, SortsMxHostsByPreference) {
  World world;
  world.dns.add("d.test", dns::Type::mx, "b.test", 20);
  world.dns.add("d.test", dns::Type::mx, "a.test", 10);
  world.dns.add("a.test", dns::Type::a, "192.0.2.1");
  world.dns.add("b.test", dns::Type::a, "192.0.2.2");
  EXPECT_THAT(world.names("d.test"), ElementsAre("a.test[192.0.2.1]:25", "b.test[192.0.2.2]:25"));
  EXPECT_TRUE(world.route("d.test")->at(0).is_best);
  EXPECT_FALSE(world.route("d.test")->at(1).is_best);
  EXPECT_THAT(world.names("d.test:2525"), ElementsAre("a.test[192.0.2.1]:2525", "b.test[192.0.2.2]:2525"));
}

TEST(Route, ShufflesHostsOfOnePreference) {
  World world;
  for (const char* host : {"a", "b", "c"}) {
    world.dns.add("d.test", dns::Type::mx, fmt::format("{}.test", host), 10);
    world.dns.add(fmt::format("{}.test", host), dns::Type::a, "192.0.2.1");
  }
  world.dns.add("d.test", dns::Type::mx, "first.test", 5);
  world.dns.add("d.test", dns::Type::mx, "last.test", 20);
  world.dns.add("first.test", dns::Type::a, "192.0.2.2");
  world.dns.add("last.test", dns::Type::a, "192.0.2.2");
  const auto order = [&] {
    std::string letters;
    for (const std::string& name : world.names("d.test")) letters += name[0];
    return letters;
  };
  EXPECT_EQ(order(), "fabcl") << "smtp_randomize_addresses = no";
  world.settings.randomize = true;
  std::set<std::string> orders;
  for (std::size_t i = 0; i < 120; ++i) {
    world.random = [i, step = std::size_t{0}](std::size_t below) mutable {
      return (i + i / 7 * step++) % below;
    };
    orders.insert(order());
  }
  EXPECT_THAT(orders, UnorderedElementsAre("fabcl", "facbl", "fbacl", "fbcal", "fcabl", "fcbal"));
}

TEST(Route, BracketsAndLiteralsNeedNoMx) {
  World world;
  world.dns.add("h.test", dns::Type::a, "192.0.2.1");
  EXPECT_THAT(world.names("[h.test]:587"), ElementsAre("h.test[192.0.2.1]:587"));
  EXPECT_THAT(world.dns.queries, ElementsAre("h.test A"));
  EXPECT_THAT(world.names("[127.0.0.1]"), ElementsAre("127.0.0.1[127.0.0.1]:25"));
  EXPECT_THAT(world.names("[ipv6:::1]:26"), ElementsAre("::1[::1]:26"));
  EXPECT_THAT(world.names("[::1]:26"), ElementsAre("::1[::1]:26"));
  EXPECT_EQ(world.dns.queries.size(), 1u);
}

TEST(Route, ADomainWithoutMxIsItsOwnHost) {
  World world;
  world.dns.set("d.test", dns::Type::mx, dns::Outcome::no_data);
  world.dns.add("d.test", dns::Type::a, "192.0.2.1");
  EXPECT_THAT(world.names("d.test"), ElementsAre("d.test[192.0.2.1]:25"));
}

TEST(Route, NotFoundAndTroubleAreToldApart) {
  World world;
  EXPECT_THAT(
      world.names("no.test"),
      ElementsAre(
          "5.4.4 Host or domain name not found. Name service error for name=no.test type=A: Host not found"));
  world.dns.set("t.test", dns::Type::mx, dns::Outcome::temporary);
  world.dns.add("t.test", dns::Type::a, "192.0.2.1");
  EXPECT_THAT(world.names("t.test"), ElementsAre("4.4.3 Host or domain name not found. Name service error "
                                                 "for name=t.test type=MX: Host not found, try again"));
  world.settings.ignore_mx_error = true;
  EXPECT_THAT(world.names("t.test"), ElementsAre("t.test[192.0.2.1]:25"));
}

TEST(Route, TroubleWithOneFamilyIsNotNotFound) {
  World world;
  world.settings.use_ipv6 = true;
  world.dns.set("h.test", dns::Type::a, dns::Outcome::temporary);
  EXPECT_FALSE(world.route("[h.test]").error().is_permanent());
  world.dns.set("i.test", dns::Type::aaaa, dns::Outcome::temporary);
  EXPECT_FALSE(world.route("[i.test]").error().is_permanent());
}

TEST(Route, NullMx) {
  World world;
  world.dns.add("d.test", dns::Type::mx, ".", 0);
  EXPECT_THAT(world.names("d.test"), ElementsAre("5.1.0 Domain d.test does not accept mail (nullMX)"));
}

TEST(Route, MxHostsWithoutAddress) {
  World world;
  world.dns.add("d.test", dns::Type::mx, "gone.test", 10);
  auto failure = world.route("d.test").error();
  EXPECT_TRUE(failure.is_permanent());
  EXPECT_EQ(failure.dsn, "5.4.4");
  world.settings.defer_if_no_mx_address = true;
  EXPECT_EQ(world.route("d.test").error().dsn, "4.4.4");
  EXPECT_FALSE(world.route("d.test").error().is_permanent());
}

TEST(Route, StopsBeforeItself) {
  World world;
  world.settings.own_addresses = config::OwnAddresses({"192.0.2.9"});
  world.dns.add("d.test", dns::Type::mx, "a.test", 10);
  world.dns.add("d.test", dns::Type::mx, "me.test", 20);
  world.dns.add("d.test", dns::Type::mx, "z.test", 30);
  world.dns.add("a.test", dns::Type::a, "192.0.2.1");
  world.dns.add("me.test", dns::Type::a, "192.0.2.9");
  world.dns.add("z.test", dns::Type::a, "192.0.2.3");
  EXPECT_THAT(world.names("d.test"), ElementsAre("a.test[192.0.2.1]:25"));
  world.dns.add("e.test", dns::Type::mx, "me.test", 10);
  EXPECT_THAT(world.names("e.test"), ElementsAre("5.4.6 mail for e.test loops back to myself"));
  EXPECT_THAT(world.names("e.test:2525"), ElementsAre("me.test[192.0.2.9]:2525"));
  world.dns.add("f.test", dns::Type::mx, "gone.test", 10);
  world.dns.add("f.test", dns::Type::mx, "me.test", 20);
  EXPECT_THAT(world.names("f.test"), ElementsAre("4.4.4 unable to find primary relay for f.test"));
}

TEST(Route, LimitsAndBalancesAddresses) {
  World world;
  world.settings.use_ipv6 = true;
  world.settings.address_limit = 2;
  for (int i = 1; i < 5; ++i) world.dns.add("h.test", dns::Type::a, fmt::format("192.0.2.{}", i));
  world.dns.add("h.test", dns::Type::aaaa, "2001:db8::1");
  EXPECT_THAT(world.names("[h.test]"), ElementsAre("h.test[192.0.2.1]:25", "h.test[2001:db8::1]:25"));
  world.settings.balance_families = false;
  EXPECT_THAT(world.names("[h.test]"), ElementsAre("h.test[192.0.2.1]:25", "h.test[192.0.2.2]:25"));
  world.settings.preference = AddressPreference::ipv6;
  EXPECT_EQ(world.names("[h.test]").front(), "h.test[2001:db8::1]:25");
}

TEST(Route, NativeLookups) {
  World world;
  world.settings.dns_lookup = false;
  world.settings.native_lookup = true;
  EXPECT_THAT(world.names("h.test"),
              ElementsAre("5.4.4 unable to look up host h.test: Name or service not known"));
  world.native = {.outcome = dns::Outcome::found, .addresses = {"192.0.2.7"}, .reason = {}};
  EXPECT_THAT(world.names("h.test"), ElementsAre("h.test[192.0.2.7]:25"));
  EXPECT_TRUE(world.dns.queries.empty());
  world.settings.dns_lookup = true;  // dns, native
  EXPECT_THAT(world.names("[h.test]"), ElementsAre("h.test[192.0.2.7]:25"));
}

TEST(Route, LmtpLooksUpHostsOnly) {
  World world;
  world.settings.is_lmtp = true;
  world.settings.default_service = "24";
  world.dns.add("h.test", dns::Type::a, "192.0.2.1");
  EXPECT_THAT(world.names("inet:h.test"), ElementsAre("h.test[192.0.2.1]:24"));
  EXPECT_THAT(world.names("unix:private/x"), ElementsAre("me.test[private/x]"));
}

TEST(Destination, RefusesNonsense) {
  World world;
  for (auto bad : {"[a", "[a]x", ":25", "[]:25", "h.test:nosuchservice", "h.test:0", "h.test:70000"}) {
    auto servers = world.route(bad);
    ASSERT_FALSE(servers) << bad;
    EXPECT_EQ(servers.error().dsn, "4.3.5") << bad;
  }
}

TEST(Destination, ListsAreSplit) {
  EXPECT_THAT(destinations_of("[a]:25, b , c:smtp"), ElementsAre("[a]:25", "b", "c:smtp"));
  EXPECT_EQ(port_of("smtp").value(), 25);
}

}  // namespace
}  // namespace posthouse::delivery::smtp
