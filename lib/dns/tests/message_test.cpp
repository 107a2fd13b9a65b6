#include "lib/dns/message.h"

#include <gtest/gtest.h>

#include <utility>

#include "lib/base/text.h"

namespace posthouse::dns {
namespace {

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 255)};
}
std::string wire_name(std::string_view name) {
  std::string out;
  for (auto label : split_any(name, ".")) {
    out += static_cast<char>(label.size());
    out += label;
  }
  return out + '\0';
}
std::string record(std::string_view name, Type type, const std::string& rdata) {
  return wire_name(name) + u16(static_cast<unsigned>(type)) + u16(1) + u16(0) + u16(60) +
         u16(static_cast<unsigned>(rdata.size())) + rdata;
}
std::string packet(const std::vector<std::string>& records, std::string_view question = "d.test",
                   Type type = Type::mx, int rcode = 0) {
  std::string out = u16(1) + u16(0x8180U | static_cast<unsigned>(rcode)) + u16(1) +
                    u16(static_cast<unsigned>(records.size())) + u16(0) + u16(0);
  out += wire_name(question) + u16(static_cast<unsigned>(type)) + u16(1);
  for (auto& r : records) out += r;
  return out;
}

TEST(DnsMessage, ReadsEveryTypeWeUse) {
  auto mx = parse_message(packet({record("d.test", Type::mx, u16(10) + wire_name("mx.d.test"))}), Type::mx);
  ASSERT_EQ(mx.records.size(), 1u);
  EXPECT_FALSE(mx.malformed);
  EXPECT_EQ(mx.records[0].preference, 10);
  EXPECT_EQ(mx.records[0].value, "mx.d.test");
  EXPECT_EQ(mx.records[0].ttl, 60u);
  auto a = parse_message(packet({record("d.test", Type::a, std::string("\x7f\0\0\1", 4))}), Type::a);
  EXPECT_EQ(a.records.at(0).value, "127.0.0.1");
  auto aaaa = parse_message(packet({record("d.test", Type::aaaa, std::string(15, '\0') + '\1')}), Type::aaaa);
  EXPECT_EQ(aaaa.records.at(0).value, "::1");
  auto txt = parse_message(packet({record("d.test", Type::txt, "\3abc\2de")}), Type::txt);
  EXPECT_EQ(txt.records.at(0).value, "abcde");
  auto srv = parse_message(packet({record("d.test", Type::srv, u16(1) + u16(2) + u16(25) + wire_name("h"))}),
                           Type::srv);
  EXPECT_EQ(srv.records.at(0).port, 25);
  EXPECT_EQ(srv.records.at(0).value, "h");
}

TEST(DnsMessage, NullMxIsTheRootName) {
  EXPECT_EQ(parse_message(packet({record("d.test", Type::mx, u16(0) + wire_name(""))}), Type::mx)
                .records.at(0)
                .value,
            ".");
}

TEST(DnsMessage, FollowsAliases) {
  auto found = parse_message(packet({record("d.test", Type::cname, wire_name("e.test")),
                                     record("e.test", Type::mx, u16(5) + wire_name("mx.e.test"))}),
                             Type::mx);
  EXPECT_EQ(found.final_name, "e.test");
  EXPECT_EQ(found.records.size(), 1u);
  auto loop = parse_message(packet({record("d.test", Type::cname, wire_name("d.test"))}), Type::mx);
  EXPECT_FALSE(loop.malformed);
  EXPECT_TRUE(loop.records.empty());
}

TEST(DnsMessage, IgnoresShortRecords) {
  for (const auto& [type, rdata] :
       std::vector<std::pair<Type, std::string>>{{Type::mx, ""},
                                                 {Type::mx, u16(1)},
                                                 {Type::a, "abc"},
                                                 {Type::a, "abcde"},
                                                 {Type::aaaa, "abcd"},
                                                 {Type::txt, ""},
                                                 {Type::txt, "\5ab"},
                                                 {Type::srv, u16(1) + u16(2) + u16(3)},
                                                 {Type::tlsa, ""},
                                                 {Type::tlsa, "ab"},
                                                 {Type::tlsa, "abc"},
                                                 {Type::ptr, ""},
                                                 {Type::ptr, "\3ab"}}) {
    auto message = parse_message(
        packet({record("d.test", type, rdata), record("d.test", type, rdata)}, "d.test", type), type);
    EXPECT_FALSE(message.malformed) << static_cast<int>(type) << " " << rdata.size();
    EXPECT_TRUE(message.records.empty()) << static_cast<int>(type) << " " << rdata.size();
  }
}

TEST(DnsMessage, DropsRecordsBeyondTheLimit) {
  std::vector<std::string> many(10000, record("d.test", Type::a, "abcd"));
  auto message = parse_message(packet(many, "d.test", Type::a), Type::a);
  EXPECT_TRUE(message.too_many);
  EXPECT_EQ(message.records.size(), kRecordLimit);
}

TEST(DnsMessage, EveryTruncationIsSafe) {
  const std::string whole = packet({record("d.test", Type::mx, u16(10) + wire_name("mx.d.test"))});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_TRUE(parse_message(std::string_view(whole).substr(0, size), Type::mx).malformed) << size;
}

TEST(DnsMessage, CompressionPointersMustPointBackwards) {
  std::string rdata = u16(10) + "\2mx\xC0\x0C";
  EXPECT_EQ(parse_message(packet({record("d.test", Type::mx, rdata)}), Type::mx).records.at(0).value,
            "mx.d.test");
  std::string self = packet({});
  self[7] = 1;
  self += "\xC0";
  self += static_cast<char>(self.size() - 1);
  self += u16(15) + u16(1) + u16(0) + u16(1) + u16(0);
  EXPECT_TRUE(parse_message(self, Type::mx).malformed);
}

TEST(DnsMessage, QueriesAreNotAnswers) {
  std::string query = packet({});
  query[2] = 1;
  EXPECT_TRUE(parse_message(query, Type::mx).malformed);
  EXPECT_EQ(parse_message(packet({}, "x.test", Type::mx, 3), Type::mx).rcode, 3);
}

TEST(Queryable, HostNamesAndWildcards) {
  for (auto good : {"a", "mx.example.com", "*.example.com", "a_b.c", "3com.com"})
    EXPECT_TRUE(is_queryable(good)) << good;
  for (auto bad : {"", ".", "a..b", "-a.b", "a b", "127.0.0.1", "a/b", "a.*", "*", "::1", "\xC3\xA9.test"})
    EXPECT_FALSE(is_queryable(bad)) << bad;
}

}  // namespace
}  // namespace posthouse::dns
