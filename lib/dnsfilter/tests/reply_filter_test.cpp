#include "lib/dnsfilter/reply_filter.h"

#include <gtest/gtest.h>

namespace posthouse::dnsfilter {
namespace {

using dns::Record;
using dns::Type;

TEST(ReplyFilter, RecordsAsText) {
  EXPECT_EQ(text_of({.name = "a.test", .type = Type::a, .ttl = 60, .value = "127.0.0.1"}),
            "a.test. 60 IN A 127.0.0.1");
  EXPECT_EQ(text_of({.name = "a.test", .type = Type::mx, .ttl = 5, .preference = 10, .value = "mx.a.test"}),
            "a.test. 5 IN MX 10 mx.a.test.");
  EXPECT_EQ(text_of({.name = "a.test", .type = Type::mx, .ttl = 5, .preference = 0, .value = "."}),
            "a.test. 5 IN MX 0 .");
  EXPECT_EQ(text_of({.name = "t.test", .type = Type::txt, .ttl = 1, .value = "a \"b\"\n"}),
            "t.test. 1 IN TXT a \"b\"?");
}

class OneHost : public dns::Lookups {
 public:
  dns::Reply query(std::string_view name, Type type, Deadline) override {
    dns::Reply reply;
    reply.outcome = dns::Outcome::found;
    reply.name = name;
    reply.type = type;
    for (const char* address : {"127.0.0.1", "127.0.0.2"})
      reply.records.push_back({.name = std::string(name), .type = type, .ttl = 60, .value = address});
    return reply;
  }
};

class Filtered : public testing::Test {
 protected:
  dns::Reply query(std::string_view tables) {
    OneHost host;
    ReplyFilter filter(host, table::TableList(tables_, "test_filter", tables));
    return filter.query("h.test", Type::a, kNever);
  }

 private:
  table::Tables tables_{{}, table::text_types()};
};

TEST_F(Filtered, Records) {
  EXPECT_EQ(query("inline:{x=IGNORE}").records.size(), 2u);
  const dns::Reply none = query("static:ignore");
  EXPECT_EQ(none.outcome, dns::Outcome::temporary);
  EXPECT_EQ(none.text(), "Error looking up name=h.test type=A: DNS reply filter drops all results");
  for (const char* tables : {"static:other", "fail:x"}) {
    const dns::Reply failed = query(tables);
    EXPECT_EQ(failed.outcome, dns::Outcome::temporary);
    EXPECT_TRUE(failed.records.empty());
    EXPECT_EQ(failed.text(), "Error looking up name=h.test type=A: Invalid DNS reply filter syntax");
  }
}

}  // namespace
}  // namespace posthouse::dnsfilter
