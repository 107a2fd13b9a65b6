#include "lib/delivery/smtp/load_settings.h"

#include <gtest/gtest.h>

#include <string>

namespace posthouse::delivery::smtp {
namespace {

// The way hosts are looked up, as letters: D dns, N native (n: after the DNS), - the DNS is switched off.
std::string lookup(std::string_view text, bool is_lmtp = false) {
  const auto settings = load_settings(*config::MainCf::parse(text, "main.cf"), is_lmtp);
  if (!settings) return settings.error().text;
  const RouteSettings& route = settings->route;
  std::string way = route.dns_enabled ? "" : "-";
  if (route.native_lookup && route.native_first) way += "N";
  if (route.dns_lookup) way += "D";
  if (route.native_lookup && !route.native_first) way += "n";
  return way;
}

TEST(LoadSettings, HostLookup) {
  EXPECT_EQ(lookup(""), "D");
  EXPECT_EQ(lookup("smtp_host_lookup = native"), "N");
  EXPECT_EQ(lookup("smtp_host_lookup = dns, native"), "Dn");
  EXPECT_EQ(lookup("smtp_host_lookup = native dns"), "ND");
  EXPECT_EQ(lookup("smtp_host_lookup = native", true), "D");
  EXPECT_EQ(lookup("lmtp_host_lookup = native", true), "N");
  EXPECT_EQ(lookup("smtp_host_lookup = dns hosts"), "smtp_host_lookup = hosts: expected dns or native");
}

TEST(LoadSettings, DnsSupportLevel) {
  EXPECT_EQ(lookup("disable_dns_lookups = yes"), "-D");
  EXPECT_EQ(lookup("smtp_dns_support_level = disabled"), "-D");
  EXPECT_EQ(lookup("smtp_dns_support_level = enabled\ndisable_dns_lookups = yes"), "D");
  EXPECT_EQ(lookup("smtp_dns_support_level = dnssec"), "D");
  EXPECT_EQ(lookup("smtp_dns_support_level = secure"),
            "smtp_dns_support_level = secure: expected disabled, enabled or dnssec");
}

TEST(LoadSettings, Addresses) {
  const auto route = [](std::string_view text) {
    return load_settings(*config::MainCf::parse(text, "main.cf"), false)->route;
  };
  EXPECT_TRUE(route("").randomize);
  EXPECT_FALSE(route("smtp_randomize_addresses = no").randomize);
  EXPECT_EQ(route("smtp_mx_address_limit = 3").address_limit, 3u);
  EXPECT_EQ(route("smtp_address_preference = ipv6").preference, AddressPreference::ipv6);
  EXPECT_FALSE(route("inet_protocols = ipv4").use_ipv6);
  EXPECT_TRUE(route("inet_protocols = ipv6").use_ipv6);
  EXPECT_FALSE(route("inet_protocols = ipv6").use_ipv4);
}

}  // namespace
}  // namespace posthouse::delivery::smtp
