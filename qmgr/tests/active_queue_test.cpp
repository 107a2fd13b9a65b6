#include "qmgr/active_queue.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "lib/queuefile/writer.h"
#include "lib/runtime/fiber.h"
#include "qmgr/feeder.h"

namespace posthouse::qmgr {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;
namespace queue = queuefile::queue;

// A queue directory of its own, agents and notices as functions.
class ActiveQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "qmgr_test_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    before_ = fs::current_path();
    fs::current_path(directory_);
    for (const char* name :
         {"incoming", "active", "deferred", "corrupt", "bounce", "defer", "trace", "hold", "spare"}) {
      fs::create_directory(name);
    }
    peers.resolve = [this](const ipc::ResolveQuery& query) -> Result<std::vector<ipc::Resolved>> {
      ++resolves;
      std::vector<ipc::Resolved> all;
      for (const std::string& address : query.recipients) {
        all.push_back(
            {.transport = "smtp", .nexthop = address.substr(address.find('@') + 1), .recipient = address});
      }
      return all;
    };
    peers.deliver = [this](const ipc::DeliveryRequest& request) { return deliver(request); };
    peers.append = [this](const ipc::BounceAppend& records) {
      for (const auto& record : records.records)
        appended.push_back(std::string(ipc::name_of(records.log)) + ":" + record.reason);
      return true;
    };
    peers.flush = [this](ipc::BounceLog log, const ipc::BounceMessage& message) {
      const std::string service(ipc::name_of(log));
      flushed.push_back(service);
      if (flush_works) fs::remove(service + "/" + message.queue_id);
      return flush_works;
    };
    peers.verify = [this](const Recipient& recipient, const std::string& reason) -> Result<void> {
      verified.push_back(recipient.address + ": " + reason);
      return {};
    };
    peers.warn = [this](const ipc::BounceMessage&) {
      ++warned;
      return true;
    };
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(directory_);
  }

  struct MessageText {
    std::vector<std::string> recipients = {"a@x.test"};
    std::string sender = "s@x.test";
    std::string filter = {};
    std::string redirect = {};
    std::string verp = {};
    std::int64_t warn_at = 0;
    unsigned trace_flags = 0;
    std::chrono::seconds age = 0s;
  };
  QueueId store(const MessageText& text) {
    auto writer = queuefile::Writer::create(queuefile::FileSystem::system(), layout, {.has_seal = true},
                                            Clock::system().now());
    EXPECT_TRUE(writer);
    const Time created = clock.now() - text.age;
    using queuefile::RecordType;
    writer->begin_envelope();
    writer->record(RecordType::time, std::to_string(unix_seconds(created)) + " 0");
    writer->attribute("create_time", std::to_string(unix_seconds(created)));
    if (text.trace_flags != 0) writer->attribute("trace_flags", std::to_string(text.trace_flags));
    if (!text.filter.empty()) writer->record(RecordType::filter, text.filter);
    writer->record(RecordType::sender, text.sender);
    if (!text.verp.empty()) writer->record(RecordType::verp, text.verp);
    if (text.warn_at != 0) writer->record(RecordType::warn, fmt::format("{:15}", text.warn_at));
    for (const std::string& recipient : text.recipients) {
      writer->record(RecordType::original_recipient, recipient);
      writer->recipient(recipient);
    }
    writer->begin_content();
    writer->line("Subject: x");
    writer->begin_extracted();
    if (!text.redirect.empty()) writer->record(RecordType::redirect, text.redirect);
    auto receipt = writer->commit_blocking();
    EXPECT_TRUE(receipt);
    return receipt->queue_id();
  }

  ActiveQueue& make() {
    active = std::make_unique<ActiveQueue>(
        peers, QueueStore(queuefile::FileSystem::system(), layout, clock, spare_limit), Router(rules),
        [this](std::string_view) { return limits; }, active_limits, clock);
    return *active;
  }
  // Opens the messages and lets everything run until nothing is active.
  void run(const std::vector<QueueId>& ids, ActiveQueue::Source source = ActiveQueue::Source::arrival,
           std::string_view from = queue::kIncoming) {
    runtime::run([&] {
      ActiveQueue& all = make();
      for (const QueueId& id : ids) all.open(from, id, source);
      all.wait_for_room(1);
      all.drain(kNever);
      runtime::stop();
    });
  }
  // Marks the file as an agent does and answers with the outcome that `outcomes` has for the address.
  AgentAnswer deliver(const ipc::DeliveryRequest& request) {
    requests.push_back(request);
    if (answer) return *answer;
    AgentAnswer reply;
    for (const auto& recipient : request.recipients) {
      const auto outcome =
          request.transport == "retry" ? ipc::Outcome::deferred : outcomes[recipient.address];
      reply.reply.outcomes.push_back(outcome);
      if (outcome == ipc::Outcome::bounced) write("bounce/" + request.queue_id, "<a>: no\n");
      if (outcome == ipc::Outcome::deferred) {
        fs::create_directories(
            fs::path(layout.path("defer", *QueueId::parse(request.queue_id))).parent_path());
        write(layout.path("defer", *QueueId::parse(request.queue_id)), "<a>: later\n");
      }
    }
    if (!destination_trouble.empty() && request.transport != "retry") {
      reply.reply.destination = {"4.4.1", destination_trouble};
    }
    return reply;
  }
  static void write(const std::string& path, std::string_view text) {
    FILE* file = std::fopen(path.c_str(), "w");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  std::vector<std::string> senders() const {
    std::vector<std::string> all;
    for (const auto& request : requests) all.push_back(request.sender);
    return all;
  }
  std::vector<std::string> delivered_to() const {
    std::vector<std::string> all;
    for (const auto& request : requests) {
      for (const auto& one : request.recipients) all.push_back(one.address + " " + request.transport);
    }
    return all;
  }
  static std::size_t count(std::string_view name) {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(name)) files += entry.is_regular_file() ? 1 : 0;
    return files;
  }

  FakeClock clock{Clock::system().now()};
  queuefile::Layout layout;
  Peers peers;
  RoutingRules rules;
  TransportLimits limits;
  ActiveLimits active_limits;
  std::unique_ptr<ActiveQueue> active;
  std::map<std::string, ipc::Outcome> outcomes;
  std::optional<AgentAnswer> answer;
  std::string destination_trouble;
  std::vector<ipc::DeliveryRequest> requests;
  std::vector<std::string> appended, flushed, verified;
  bool flush_works = true;
  std::size_t spare_limit = 0;
  int warned = 0, resolves = 0;

 private:
  fs::path directory_, before_;
};

TEST_F(ActiveQueueTest, ADeliveredMessageIsRemoved) {
  run({store({.recipients = {"a@x.test", "b@y.test"}})});
  EXPECT_THAT(delivered_to(), ElementsAre("a@x.test smtp", "b@y.test smtp"));
  EXPECT_EQ(resolves, 1);
  EXPECT_EQ(count("."), 0u);
  EXPECT_THAT(flushed, IsEmpty());
  EXPECT_GT(requests[0].data_offset, 0);
  EXPECT_EQ(requests[0].sender, "s@x.test");
}

TEST_F(ActiveQueueTest, WithVerpEachRecipientHasADeliveryWithItsNameInTheSender) {
  peers.resolve = [](const ipc::ResolveQuery& query) -> Result<std::vector<ipc::Resolved>> {
    return std::vector<ipc::Resolved>(query.recipients.size(),
                                      {.transport = "smtp", .nexthop = "hub", .recipient = "other@y.test"});
  };
  run({store({.recipients = {"a@x.test", "b c@x.test"}, .sender = "owner@z.test", .verp = "+="})});
  EXPECT_THAT(delivered_to(), ElementsAre("other@y.test smtp", "other@y.test smtp"));
  EXPECT_THAT(senders(), ElementsAre("owner+a=x.test@z.test", "owner+b c=x.test@z.test"));
}

TEST_F(ActiveQueueTest, VerpHoldsForRecipientsThatAreDeferredUntried) {
  destination_trouble = "no route";
  outcomes = {{"a@x.test", ipc::Outcome::deferred}, {"b@x.test", ipc::Outcome::deferred}};
  limits.concurrency = {.initial = 1, .limit = 1};
  run({store({.recipients = {"a@x.test", "b@x.test"}, .sender = "owner@z.test", .verp = "+="})});
  EXPECT_THAT(delivered_to(), ElementsAre("a@x.test smtp", "b@x.test retry"));
  EXPECT_THAT(senders(), ElementsAre("owner+a=x.test@z.test", "owner+b=x.test@z.test"));
}

TEST_F(ActiveQueueTest, TheNullSenderHasNoVerp) {
  run({store({.recipients = {"a@x.test", "b@x.test"}, .sender = "", .verp = "+="})});
  EXPECT_THAT(senders(), ElementsAre(""));
}

TEST_F(ActiveQueueTest, ADeferredMessageWaitsInDeferredUntilItsTime) {
  outcomes["a@x.test"] = ipc::Outcome::deferred;
  const QueueId id = store({.age = 1000s});
  run({id});
  ASSERT_TRUE(fs::exists(layout.path("deferred", id)));
  const auto status = queuefile::FileSystem::system().status(layout.path("deferred", id));
  EXPECT_EQ(unix_seconds(status->modified), unix_seconds(clock.now() + 1000s));
  const QueueStore store(queuefile::FileSystem::system(), layout, clock);
  EXPECT_FALSE(store.is_due("deferred", id, 4000s));
  EXPECT_TRUE(store.is_due("deferred", id, 0s));
  clock.advance(1000s);
  EXPECT_TRUE(store.is_due("deferred", id, 4000s));
}

TEST_F(ActiveQueueTest, ATimeThatNoWaitExplainsIsDueAtOnce) {
  outcomes["a@x.test"] = ipc::Outcome::deferred;
  const QueueId id = store({.age = 1000s});
  run({id});
  const QueueStore store(queuefile::FileSystem::system(), layout, clock);
  clock.advance(-3000s);  // set back: 4000 s ahead could still be a wait
  EXPECT_FALSE(store.is_due("deferred", id, 4000s));
  clock.advance(-2s);
  EXPECT_TRUE(store.is_due("deferred", id, 4000s));
}

TEST_F(ActiveQueueTest, ABouncedRecipientLeadsToANotice) {
  outcomes["a@x.test"] = ipc::Outcome::bounced;
  run({store({})});
  EXPECT_THAT(flushed, ElementsAre("bounce"));
  EXPECT_EQ(count("."), 0u);
}

TEST_F(ActiveQueueTest, AMessageStaysUntilItsNoticeIsAccepted) {
  outcomes["a@x.test"] = ipc::Outcome::bounced;
  flush_works = false;
  run({store({})});
  EXPECT_EQ(count("deferred"), 1u);
}

TEST_F(ActiveQueueTest, AnExpiredMessageIsReturned) {
  outcomes["a@x.test"] = ipc::Outcome::deferred;
  run({store({.age = 120h})});
  EXPECT_THAT(flushed, ElementsAre("defer"));
  EXPECT_EQ(count("."), 0u);
}

TEST_F(ActiveQueueTest, ADelayIsReportedOnce) {
  outcomes["a@x.test"] = ipc::Outcome::deferred;
  const QueueId id = store({.warn_at = unix_seconds(clock.now()) - 10});
  run({id});
  EXPECT_EQ(warned, 1);
  run({id}, ActiveQueue::Source::scan, "deferred");
  EXPECT_EQ(warned, 1);
}

TEST_F(ActiveQueueTest, AnUnreachableAgentDefersThroughTheRetryService) {
  rules.is_per_recipient = nullptr;
  peers.deliver = [this](const ipc::DeliveryRequest& request) {
    if (request.transport != "retry") return AgentAnswer{.kind = AgentAnswer::Kind::unavailable, .reply = {}};
    return deliver(request);
  };
  run({store({}), store({})});
  EXPECT_THAT(delivered_to(), ElementsAre("a@x.test retry", "a@x.test retry"));
  EXPECT_EQ(requests[0].nexthop, "4.3.0 mail transport unavailable");
  EXPECT_EQ(count("deferred"), 2u);
}

TEST_F(ActiveQueueTest, WithoutRetryServiceTheQueueManagerRecordsTheDeferral) {
  answer = AgentAnswer{.kind = AgentAnswer::Kind::unavailable, .reply = {}};
  run({store({})});
  EXPECT_THAT(appended, ElementsAre("defer:mail transport unavailable"));
  EXPECT_THAT(verified, IsEmpty());
  EXPECT_EQ(count("deferred"), 1u);
}

TEST_F(ActiveQueueTest, ProbesBeyondTheirLimitEndWithoutDelivery) {
  active_limits.probes = 1;
  const MessageText probe{.trace_flags = queuefile::kTraceSystemProbe};
  run({store(probe), store({.recipients = {"mail@x.test"}}), store(probe)});
  EXPECT_THAT(delivered_to(), UnorderedElementsAre("a@x.test smtp", "mail@x.test smtp", "a@x.test retry"));
}

TEST_F(ActiveQueueTest, AProbeThatReachesNoAgentEndsWithWordToVerify) {
  answer = AgentAnswer{.kind = AgentAnswer::Kind::unavailable, .reply = {}};
  run({store({.trace_flags = queuefile::kTraceSystemProbe})});
  EXPECT_THAT(verified, ElementsAre("a@x.test: mail transport unavailable"));
  EXPECT_THAT(appended, IsEmpty());
  EXPECT_EQ(count("deferred") + count("active") + count("incoming"), 0u);
}

TEST_F(ActiveQueueTest, ADeadDestinationIsNotTriedAgain) {
  limits.concurrency = {.initial = 1, .limit = 1};
  destination_trouble = "connect to x.test: Connection refused";
  outcomes["a@x.test"] = ipc::Outcome::deferred;
  run({store({}), store({}), store({})});
  EXPECT_THAT(delivered_to(), ElementsAre("a@x.test smtp", "a@x.test retry", "a@x.test retry"));
  EXPECT_EQ(requests[1].nexthop,
            "4.4.1 delivery temporarily suspended: connect to x.test: Connection refused");
}

TEST_F(ActiveQueueTest, ABrokenConversationIsADeferralThatLooksForABounceLog) {
  peers.deliver = [this](const ipc::DeliveryRequest& request) {
    if (request.transport == "retry") return deliver(request);
    write("bounce/" + request.queue_id, "<b>: no\n");
    return AgentAnswer{.kind = AgentAnswer::Kind::broken, .reply = {}};
  };
  run({store({})});
  EXPECT_THAT(flushed, ElementsAre("bounce"));
  EXPECT_EQ(count("deferred"), 1u);
}

TEST_F(ActiveQueueTest, AFailingResolverDefers) {
  peers.resolve = [](const ipc::ResolveQuery&) -> Result<std::vector<ipc::Resolved>> {
    return fail(Failure::deferred("4.3.0", "no"));
  };
  run({store({})});
  EXPECT_THAT(delivered_to(), ElementsAre("a@x.test retry"));
  EXPECT_EQ(requests[0].nexthop, "4.3.0 address resolver failure");
}

TEST_F(ActiveQueueTest, AContentFilterTakesAllRecipientsUnresolved) {
  run({store({.recipients = {"a@x.test", "b@y.test"}, .filter = "scan:[127.0.0.1]:10025"})});
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].transport, "scan");
  EXPECT_EQ(requests[0].nexthop, "[127.0.0.1]:10025");
  EXPECT_EQ(resolves, 0);
}

TEST_F(ActiveQueueTest, ARedirectReplacesAllRecipients) {
  run({store({.recipients = {"a@x.test", "b@y.test"}, .redirect = "other@z.test"})});
  ASSERT_EQ(requests.size(), 1u);
  ASSERT_EQ(requests[0].recipients.size(), 1u);
  EXPECT_EQ(requests[0].recipients[0].address, "other@z.test");
  EXPECT_EQ(requests[0].recipients[0].original, "a@x.test");
  EXPECT_EQ(count("."), 0u);
}

TEST_F(ActiveQueueTest, DeferTransportsAreNotTried) {
  rules.defer_transports = {"smtp"};
  run({store({})});
  EXPECT_THAT(delivered_to(), ElementsAre("a@x.test retry"));
  EXPECT_EQ(requests[0].nexthop, "4.3.2 deferred transport");
}

TEST_F(ActiveQueueTest, ACorruptFileIsSetAside) {
  const QueueId id = store({});
  write(layout.path("incoming", id), "not a queue file");
  run({id});
  EXPECT_EQ(count("corrupt"), 1u);
  EXPECT_EQ(count("active"), 0u);
}

TEST_F(ActiveQueueTest, AFileThatAnAgentFoundCorruptIsSetAside) {
  answer = AgentAnswer{.reply = {.status = ipc::DeliveryReply::Status::corrupt}};
  run({store({})});
  EXPECT_EQ(count("corrupt"), 1u);
}

TEST_F(ActiveQueueTest, AMessageThatVanishedIsForgotten) {
  answer = AgentAnswer{.reply = {.status = ipc::DeliveryReply::Status::missing}};
  const QueueId id = store({});
  run({id, id});
  EXPECT_EQ(requests.size(), 1u);
}

TEST_F(ActiveQueueTest, AFileThatIsStillBeingDeliveredComesBackSoon) {
  const QueueId id = store({});
  const std::string path = layout.path("incoming", id);
  auto agent = queuefile::FileSystem::system().open(path, queuefile::OpenFor::reading);
  ASSERT_TRUE((*agent)->try_lock_shared());
  run({id}, ActiveQueue::Source::scan);
  EXPECT_THAT(requests, IsEmpty());
  ASSERT_TRUE(fs::exists(path));
  const QueueStore store(queuefile::FileSystem::system(), layout, clock);
  EXPECT_FALSE(store.is_due("incoming", id, 4000s));
  clock.advance(10s);
  EXPECT_TRUE(store.is_due("incoming", id, 4000s));
}

TEST_F(ActiveQueueTest, ManyRecipientsAreReadInBatches) {
  active_limits.recipients = 10;
  limits.recipients = 5;
  std::vector<std::string> all;
  for (int i = 0; i < 95; ++i) all.push_back(std::to_string(i) + "@x.test");
  run({store({.recipients = all})});
  EXPECT_EQ(delivered_to().size(), 95u);
  EXPECT_GE(resolves, 10);
  EXPECT_EQ(count("."), 0u);
}

TEST_F(ActiveQueueTest, ATransportHoldsNoMoreRecipientsThanItMay) {
  active_limits.recipients = 5;
  active_limits.recipient_minimum = 1;
  limits.in_memory = 3;
  MessageText text{.recipients = {}};
  for (int i = 0; i < 14; ++i) text.recipients.push_back(std::to_string(i) + "@x.test");
  run({store(text)});
  EXPECT_EQ(delivered_to().size(), 14u);
  EXPECT_EQ(resolves, 4) << "five recipients before the transport is known, then three at a time";
}

TEST_F(ActiveQueueTest, ForcedExpiryReturnsWithoutDelivery) {
  const QueueId id = store({});
  ::chmod(layout.path("incoming", id).c_str(), 0710);
  fs::create_directories(fs::path(layout.path("defer", id)).parent_path());
  write(layout.path("defer", id), "<a>: later\n");
  run({id}, ActiveQueue::Source::scan);
  EXPECT_THAT(requests, IsEmpty());
  EXPECT_THAT(flushed, ElementsAre("defer"));
}

TEST_F(ActiveQueueTest, ForcedExpiryWithoutReasonsAsksTheRetryServiceFirst) {
  const QueueId id = store({});
  ::chmod(layout.path("incoming", id).c_str(), 0710);
  run({id}, ActiveQueue::Source::scan);
  EXPECT_EQ(requests.at(0).nexthop, "4.7.0 message is administratively expired");
  EXPECT_THAT(flushed, ElementsAre("defer"));
}

TEST_F(ActiveQueueTest, TheDeferLogOfTheLastAttemptGoesBeforeTheNext) {
  const QueueId id = store({});
  fs::create_directories(fs::path(layout.path("defer", id)).parent_path());
  write(layout.path("defer", id), "<a>: later\n");
  run({id}, ActiveQueue::Source::scan);
  EXPECT_EQ(count("."), 0u);
}

TEST_F(ActiveQueueTest, RecoveryPutsActiveMessagesBack) {
  const QueueId id = store({});
  ASSERT_TRUE(layout.move(queuefile::FileSystem::system(), "incoming", "active", id));
  EXPECT_EQ(recover_active(layout, queuefile::FileSystem::system(), clock), 1u);
  EXPECT_TRUE(fs::exists(layout.path("incoming", id)));
}

TEST_F(ActiveQueueTest, ScansFindDueMessagesOfBothQueues) {
  const QueueId incoming = store({.recipients = {"new@x.test"}});
  const QueueId due = store({.recipients = {"due@x.test"}});
  const QueueId later = store({.recipients = {"later@x.test"}});
  auto& files = queuefile::FileSystem::system();
  for (const QueueId& id : {due, later}) ASSERT_TRUE(layout.move(files, "incoming", "deferred", id));
  ASSERT_TRUE(files.set_times(layout.path("deferred", later), clock.now() + 100s));
  runtime::run([&] {
    ActiveQueue& all = make();
    Feeder feeder(all, 300s);
    feeder.start();
    while (requests.size() < 2) runtime::yield();
    feeder.trigger("AD");
    while (requests.size() < 3) runtime::yield();
    all.wait_for_room(1);
    feeder.stop();
    all.drain(kNever);
    runtime::stop();
  });
  EXPECT_THAT(delivered_to(),
              ::testing::UnorderedElementsAre("new@x.test smtp", "due@x.test smtp", "later@x.test smtp"));
  EXPECT_EQ(requests.back().recipients[0].address, "later@x.test");
}

TEST_F(ActiveQueueTest, TheFileOfADeliveredMessageIsKeptUntilMailRests) {
  spare_limit = 5;
  const QueueId id = store({});
  run({id});
  EXPECT_EQ(count("active"), 0u);
  EXPECT_TRUE(fs::exists("spare/" + std::to_string(*id.inode())));
  active->tidy_spares();
  EXPECT_EQ(count("spare"), 1u);
  active->tidy_spares();
  EXPECT_EQ(count("spare"), 0u);
}

TEST_F(ActiveQueueTest, LeftOverMessagesAreDeliveredWhenTheyAreWhole) {
  outcomes["b@x.test"] = ipc::Outcome::deferred;
  const QueueId id = store({.recipients = {"a@x.test", "b@x.test"}});
  run({id}, ActiveQueue::Source::left_over);
  EXPECT_EQ(delivered_to().size(), 2u);
  EXPECT_EQ(count("deferred"), 1u);
}

TEST_F(ActiveQueueTest, AHalfOverwrittenLeftOverIsSetAside) {
  const QueueId id = store({});
  const std::string path = layout.path("incoming", id);
  const auto file = queuefile::FileSystem::system().open(path, queuefile::OpenFor::marking);
  ASSERT_TRUE(file);
  std::string content(2000, '\0');
  content.resize(*(*file)->read_at(content.data(), content.size(), 0));
  ASSERT_TRUE((*file)->write_at("y", static_cast<std::int64_t>(content.find("Subject: x") + 9)));
  run({id}, ActiveQueue::Source::left_over);
  EXPECT_THAT(requests, IsEmpty());
  EXPECT_EQ(count("corrupt"), 1u);
}

TEST_F(ActiveQueueTest, AMessageUnderTheNameOfAnotherGetsItsOwn) {
  for (const auto source : {ActiveQueue::Source::left_over, ActiveQueue::Source::retry}) {
    const QueueId id = store({});
    const QueueId other = QueueId::make_long(Clock::system().now(), *id.inode());
    fs::rename(layout.path("incoming", id), layout.path("incoming", other));
    run({other}, source);
    EXPECT_THAT(requests, IsEmpty());
    EXPECT_TRUE(fs::exists(layout.path("incoming", id)));
    EXPECT_EQ(count("active"), 0u);
    run({id}, source);
    EXPECT_EQ(delivered_to().size(), 1u);
    requests.clear();
  }
}

TEST_F(ActiveQueueTest, TheFileOfADeferredMessageIsNotKept) {
  spare_limit = 5;
  const QueueId id = store({});
  run({id}, ActiveQueue::Source::retry);
  EXPECT_EQ(delivered_to().size(), 1u);
  EXPECT_FALSE(fs::exists("spare/" + std::to_string(*id.inode())));
}

TEST_F(ActiveQueueTest, AFinishedFileIsNoMessageAfterACrash) {
  const QueueId id = store({});
  fs::rename(layout.path("incoming", id), layout.path("active", id));
  fs::permissions(layout.path("active", id), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(recover_active(layout, queuefile::FileSystem::system(), clock), 0u);
  EXPECT_EQ(count("."), 0u);
}

}  // namespace
}  // namespace posthouse::qmgr
