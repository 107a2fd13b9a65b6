#include "lib/delivery/results.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace posthouse::delivery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A queue file in memory: only what marking needs.
class MemoryFile : public queuefile::File {
 public:
  explicit MemoryFile(std::string bytes) : bytes_(std::move(bytes)) {}
  queuefile::IoResult<std::size_t> read_at(char* buffer, std::size_t size, std::int64_t offset) override {
    const std::string piece = bytes_.substr(std::min(bytes_.size(), static_cast<std::size_t>(offset)), size);
    std::copy(piece.begin(), piece.end(), buffer);
    return piece.size();
  }
  queuefile::IoResult<void> write_at(std::string_view bytes, std::int64_t offset) override {
    bytes_.replace(static_cast<std::size_t>(offset), bytes.size(), bytes);
    return {};
  }
  queuefile::IoResult<void> set_mode(mode_t) override { return {}; }
  queuefile::IoResult<queuefile::FileStatus> status() override { return queuefile::FileStatus{}; }
  queuefile::IoResult<void> sync() override { return {}; }
  queuefile::IoResult<void> sync_data() override { return {}; }
  queuefile::IoResult<void> try_lock() override { return {}; }
  queuefile::IoResult<void> truncate(std::int64_t) override { return {}; }
  int descriptor() const override { return -1; }

  std::string bytes_;
};

class ResultsTest : public ::testing::Test {
 protected:
  ResultsTest() {
    request.queue_id = "ABCDEF";
    request.recipients = {{.offset = 1, .original = "a@x.test", .address = "a@x.test"},
                          {.offset = 5, .original = "b@x.test", .address = "b@x.test"}};
    peers.append = [this](const ipc::BounceAppend& records) -> Result<void> {
      const std::string service(ipc::name_of(records.log));
      if (service == broken) return fail(Failure::deferred("4.3.0", "down"));
      for (const auto& record : records.records) logs[service].push_back(record);
      return {};
    };
    peers.verify = [this](const ipc::VerifyUpdate& update) { verified.push_back(update); };
    peers.log = [this](const std::string& line) { lines.push_back(line); };
  }
  Results results() { return Results(request, file, peers, settings); }

  ipc::DeliveryRequest request;
  MemoryFile file{".R...R.."};
  ResultPeers peers;
  ResultSettings settings;
  std::string broken;
  std::map<std::string, std::vector<ipc::DeliveryRecord>> logs;
  std::vector<ipc::VerifyUpdate> verified;
  std::vector<std::string> lines;
};

TEST_F(ResultsTest, ADeliveredRecipientIsMarkedAtOnce) {
  Results all = results();
  all.delivered(0, {.name = "virtual"}, {.text = "delivered to maildir"});
  EXPECT_EQ(file.bytes_, ".D...R..");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("dsn=2.0.0, status=sent (delivered to maildir)"));
  EXPECT_THAT(all.open(), ElementsAre(1u));
}

TEST_F(ResultsTest, DeferralsGoToTheDeferLogAndStayUnmarked) {
  Results all = results();
  all.delivered(0, {}, {});
  all.fail_rest({}, Failure::deferred("4.4.1", "connect to x: refused"));
  const auto reply = all.finish();
  EXPECT_THAT(reply.outcomes, ElementsAre(ipc::Outcome::delivered, ipc::Outcome::deferred));
  EXPECT_EQ(file.bytes_, ".D...R..");
  ASSERT_EQ(logs["defer"].size(), 1u);
  EXPECT_EQ(logs["defer"][0].action, "delayed");
  EXPECT_THAT(lines.back(), HasSubstr("dsn=4.4.1, status=deferred (connect to x: refused)"));
}

TEST_F(ResultsTest, ABounceIsMarkedOnlyWhenItsEntryIsSafe) {
  Results all = results();
  all.failed(0, {}, Failure::bounced("5.1.1", "no such user"));
  EXPECT_EQ(file.bytes_, ".R...R..");
  all.failed(1, {}, Failure::deferred("4.0.0", "later"));
  EXPECT_THAT(all.finish().outcomes, ElementsAre(ipc::Outcome::bounced, ipc::Outcome::deferred));
  EXPECT_EQ(file.bytes_, ".D...R..");
  EXPECT_THAT(lines[0], HasSubstr("status=bounced (no such user)"));
}

TEST_F(ResultsTest, ABounceWithoutBounceServiceIsADeferral) {
  broken = "bounce";
  Results all = results();
  all.fail_rest({}, Failure::bounced("5.1.1", "no such user"));
  EXPECT_THAT(all.finish().outcomes, ElementsAre(ipc::Outcome::deferred, ipc::Outcome::deferred));
  EXPECT_EQ(file.bytes_, ".R...R..");
  EXPECT_EQ(logs["defer"].size(), 2u);
  EXPECT_THAT(lines[0], HasSubstr("dsn=4.1.1, status=deferred (bounce or trace service failure)"));
}

TEST_F(ResultsTest, SoftBounceDefers) {
  settings.soft_bounce = true;
  Results all = results();
  all.fail_rest({}, Failure::bounced("5.7.1", "no"));
  EXPECT_THAT(all.finish().outcomes, ElementsAre(ipc::Outcome::deferred, ipc::Outcome::deferred));
  EXPECT_THAT(lines[0], HasSubstr("dsn=4.7.1, status=SOFTBOUNCE (no)"));
  EXPECT_TRUE(logs["bounce"].empty());
}

TEST_F(ResultsTest, ProbesAreNeverDeferredOrBounced) {
  request.flags = ipc::delivery_flag::kProbe;
  Results all = results();
  all.delivered(0, {}, {.text = "250 ok"});
  all.failed(1, {}, Failure::deferred("4.4.1", "refused"));
  EXPECT_THAT(all.finish().outcomes, ElementsAre(ipc::Outcome::delivered, ipc::Outcome::delivered));
  ASSERT_EQ(verified.size(), 2u);
  EXPECT_EQ(verified[0].status, ipc::VerifyStatus::deliverable);
  EXPECT_EQ(verified[1].status, ipc::VerifyStatus::deferred);
  EXPECT_THAT(lines[0], HasSubstr("status=deliverable"));
  EXPECT_THAT(lines[1], HasSubstr("status=undeliverable"));
  EXPECT_TRUE(logs.empty());
  EXPECT_EQ(file.bytes_, ".D...D..");
}

TEST_F(ResultsTest, ABadProbeThatVerifyDoesNotKeepIsLoggedAsSuch) {
  request.flags = ipc::delivery_flag::kProbe;
  settings.keeps_bad_probes = false;
  Results all = results();
  all.delivered(0, {}, {.text = "250 ok"});
  all.failed(1, {}, Failure::bounced("5.1.1", "no"));
  all.finish();
  EXPECT_THAT(lines[0], HasSubstr("status=deliverable"));
  EXPECT_THAT(lines[1], HasSubstr("status=undeliverable-but-not-cached (no)"));
}

TEST_F(ResultsTest, SuccessReportsGoToTheTraceLog) {
  request.recipients[0].notify = 2;
  Results all = results();
  all.delivered(0, {.name = "local"}, {.text = "delivered to mailbox"});
  all.delivered(1, {}, {});
  all.finish();
  ASSERT_EQ(logs["trace"].size(), 1u);
  EXPECT_EQ(logs["trace"][0].reason, "delivery via local: delivered to mailbox");
}

TEST_F(ResultsTest, TheEndOfADelayGoesToTheTraceLogOfThoseWhoHeardOfIt) {
  for (const unsigned notify : {0u, 1u, 2u | 8u, 4u}) {
    request.recipients.push_back(
        {.offset = 0, .original = "", .address = fmt::format("n{}@x.test", notify), .notify = notify});
  }
  request.recipients.erase(request.recipients.begin(), request.recipients.begin() + 2);
  request.flags = ipc::delivery_flag::kDelayRecord;
  Results all = results();
  for (std::size_t i = 0; i < request.recipients.size(); ++i) all.delivered(i, {}, {});
  all.finish();
  ASSERT_EQ(logs["trace"].size(), 2u);
  EXPECT_EQ(logs["trace"][0].recipient.address, "n0@x.test");
  EXPECT_EQ(logs["trace"][1].recipient.address, "n10@x.test");
}

TEST_F(ResultsTest, ARepeatedRequestDoesNotTryDoneRecipientsAgain) {
  file.bytes_[1] = 'D';
  Results all = results();
  all.skip_marked();
  EXPECT_THAT(all.open(), ElementsAre(1u));
  all.delivered(1, {}, {});
  EXPECT_THAT(all.finish().outcomes, ElementsAre(ipc::Outcome::delivered, ipc::Outcome::delivered));
  EXPECT_EQ(lines.size(), 1u);
}

TEST_F(ResultsTest, TheFirstResultOfARecipientCounts) {
  Results all = results();
  all.delivered(0, {}, {});
  all.failed(0, {}, Failure::bounced("5.0.0", "no"));
  all.delivered(1, {}, {});
  EXPECT_THAT(all.finish().outcomes, ElementsAre(ipc::Outcome::delivered, ipc::Outcome::delivered));
}

}  // namespace
}  // namespace posthouse::delivery
