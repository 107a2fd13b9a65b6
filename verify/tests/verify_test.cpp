#include <gtest/gtest.h>

#include "lib/table/types.h"
#include "verify/address_store.h"

namespace posthouse::verify {
namespace {

using ipc::VerifyStatus;
using namespace std::chrono_literals;

class Store : public testing::Test {
 protected:
  Store() : tables_({}, table::text_types()) { use({}); }
  void use(Rules rules) {
    cache_ = std::make_unique<table::Cache>(*tables_.open_private("internal:x", table::kCacheFlags),
                                            "internal:x", clock_);
    store_ = std::make_unique<AddressStore>(
        *cache_, rules, [this](const std::string& address) { probes_.push_back(address); }, clock_);
  }
  std::string stored(std::string_view key) {
    Lookup found = cache_->lookup(key);
    const auto* value = std::get_if<std::string>(&found);
    return value ? *value : "none";
  }
  std::string at(Duration ago = {}) const {
    return std::to_string(unix_seconds(clock_.now() - std::chrono::duration_cast<Time::duration>(ago)));
  }

  FakeClock clock_;
  table::Tables tables_;
  std::unique_ptr<table::Cache> cache_;
  std::unique_ptr<AddressStore> store_;
  std::vector<std::string> probes_;
};

}  // namespace

TEST(Entry, IsReadAndWrittenAsInTheReference) {
  const auto entry = Entry::parse("0:0:1795329603:delivers to maildir");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->status, VerifyStatus::deliverable);
  EXPECT_EQ(entry->updated, 1795329603);
  EXPECT_EQ(entry->text, "delivers to maildir");
  EXPECT_EQ(entry->value(), "0:0:1795329603:delivers to maildir");
  EXPECT_EQ(Entry::parse("2:0:5:text: with: colons")->text, "text: with: colons");
  const Entry lines{VerifyStatus::undeliverable, 0, 5, "550-no\n550 such\a user"};
  EXPECT_EQ(lines.value(), "2:0:5:550-no 550 such? user");
}

TEST(Entry, MalformedOnesCountAsAbsent) {
  for (std::string_view bad :
       {"", "0", "0:0:0:x", "9:1:1:x", "a:1:1:x", "0:-1:1:x", "0:1:1", "0:99999999999999999999:1:x"})
    EXPECT_FALSE(Entry::parse(bad)) << bad;
}

TEST(Entry, KeysHaveNoColon) {
  EXPECT_EQ(key_of("user@[IPv6:::1]"), "user@[IPv6___1]");
}

TEST_F(Store, AThousandQuestionsMakeOneProbe) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(store_->query("a@x").status, VerifyStatus::in_progress);
  EXPECT_EQ(probes_, std::vector<std::string>{"a@x"});
  EXPECT_EQ(stored("a@x"), "3:" + at() + ":0:Address verification in progress");
}

TEST_F(Store, TheResultIsAnsweredFromTheCache) {
  store_->query("a@x");
  EXPECT_TRUE(store_->update("a@x", VerifyStatus::deliverable, "delivers to maildir"));
  EXPECT_EQ(stored("a@x"), "0:0:" + at() + ":delivers to maildir");
  const auto reply = store_->query("a@x");
  EXPECT_EQ(reply.status, VerifyStatus::deliverable);
  EXPECT_EQ(reply.text, "delivers to maildir");
  EXPECT_EQ(probes_.size(), 1u);
}

TEST_F(Store, ALostProbeIsSentAgainAfterAThousandSeconds) {
  store_->query("a@x");
  clock_.advance(999s);
  store_->query("a@x");
  EXPECT_EQ(probes_.size(), 1u);
  clock_.advance(1s);
  store_->query("a@x");
  EXPECT_EQ(probes_.size(), 2u);
}

TEST_F(Store, OldResultsAreRefreshedBehindTheAnswer) {
  store_->update("a@x", VerifyStatus::deliverable, "ok");
  clock_.advance(8 * 24h);
  EXPECT_EQ(store_->query("a@x").status, VerifyStatus::deliverable);
  EXPECT_EQ(probes_.size(), 1u);
  store_->query("a@x");
  EXPECT_EQ(probes_.size(), 1u);
  EXPECT_EQ(stored("a@x"), "0:" + at() + ":" + at(8 * 24h) + ":ok");
}

TEST_F(Store, AfterTheClockWasSetBackResultsAreRefreshedAndProbesRepeated) {
  clock_.advance(30 * 24h);
  store_->query("new@x");
  store_->update("gone@x", VerifyStatus::undeliverable, "no");
  clock_.advance(-30 * 24h);
  EXPECT_EQ(store_->query("gone@x").status, VerifyStatus::undeliverable);
  EXPECT_EQ(store_->query("new@x").status, VerifyStatus::in_progress);
  EXPECT_EQ(probes_, (std::vector<std::string>{"new@x", "gone@x", "new@x"}));
  store_->update("gone@x", VerifyStatus::deliverable, "ok");
  store_->query("gone@x");
  store_->query("new@x");
  EXPECT_EQ(probes_.size(), 3u);
}

TEST_F(Store, AClockThatRunsALittleAheadElsewhereMakesNoProbe) {
  store_->update("a@x", VerifyStatus::deliverable, "ok");
  clock_.advance(-100s);
  store_->query("a@x");
  EXPECT_TRUE(probes_.empty());
}

TEST_F(Store, ExpiredResultsAreForgotten) {
  store_->update("a@x", VerifyStatus::undeliverable, "no");
  EXPECT_EQ(store_->query("a@x").status, VerifyStatus::undeliverable);
  clock_.advance(3 * 24h + 1s);
  EXPECT_EQ(store_->query("a@x").status, VerifyStatus::in_progress);
}

TEST_F(Store, AFailedProbeDoesNotTakeBackAGoodResult) {
  store_->update("a@x", VerifyStatus::deliverable, "ok");
  EXPECT_TRUE(store_->update("a@x", VerifyStatus::undeliverable, "no"));
  EXPECT_EQ(store_->query("a@x").status, VerifyStatus::deliverable);
}

TEST_F(Store, WithoutNegativeCacheBadResultsAreNotKeptButProbesAreStillJoined) {
  use({.negative_cache = false});
  store_->query("a@x");
  store_->query("a@x");
  EXPECT_EQ(probes_.size(), 1u);
  EXPECT_EQ(stored("a@x"), "none");
  store_->update("a@x", VerifyStatus::undeliverable, "no");
  EXPECT_EQ(stored("a@x"), "none");
  store_->query("a@x");
  EXPECT_EQ(probes_.size(), 2u);
  store_->update("a@x", VerifyStatus::deliverable, "ok");
  EXPECT_EQ(store_->query("a@x").status, VerifyStatus::deliverable);
}

TEST_F(Store, AProbeThatCouldNotBeSentIsTriedAtTheNextQuestion) {
  store_->query("a@x");
  store_->probe_failed("a@x");
  EXPECT_EQ(stored("a@x"), "none");
  store_->query("a@x");
  EXPECT_EQ(probes_.size(), 2u);
}

TEST_F(Store, KnowsWhatToKeep) {
  EXPECT_TRUE(store_->keeps("a", "0:0:" + at(30 * 24h) + ":x"));
  EXPECT_FALSE(store_->keeps("a", "0:0:" + at(32 * 24h) + ":x"));
  EXPECT_TRUE(store_->keeps("a", "2:0:" + at(48h) + ":x"));
  EXPECT_FALSE(store_->keeps("a", "2:0:" + at(96h) + ":x"));
  EXPECT_TRUE(store_->keeps("a", "3:" + at(5s) + ":0:x"));
  EXPECT_FALSE(store_->keeps("a", "nonsense"));
}

TEST_F(Store, ABrokenCacheIsATemporaryAnswerWithoutProbe) {
  table::Cache broken(*tables_.open_private("fail:x", table::kCacheFlags), "fail:x", clock_);
  AddressStore store(
      broken, {}, [this](const std::string& address) { probes_.push_back(address); }, clock_);
  const auto reply = store.query("a@x");
  EXPECT_EQ(reply.status, VerifyStatus::deferred);
  EXPECT_EQ(reply.text, "Address verification status unavailable");
  EXPECT_TRUE(probes_.empty());
  EXPECT_FALSE(store.update("a@x", VerifyStatus::deliverable, "ok"));
}

}  // namespace posthouse::verify
