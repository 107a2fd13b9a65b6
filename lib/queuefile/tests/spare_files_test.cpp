#include "lib/queuefile/spare_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>

#include "lib/queuefile/content_reader.h"
#include "lib/queuefile/envelope_reader.h"
#include "lib/queuefile/fault_file_system.h"
#include "lib/queuefile/marker.h"
#include "lib/queuefile/recovery.h"
#include "lib/queuefile/seal.h"
#include "lib/queuefile/shared_file.h"
#include "lib/queuefile/writer.h"

namespace posthouse::queuefile {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Survivors = FaultFileSystem::Survivors;

const Time kNow = time_from_unix(1'795'330'061) + std::chrono::microseconds(601'290);
const Layout kLayout;

struct Mail {
  std::string word;  // tells messages apart
  int lines = 3;
  int recipients = 1;
};

void fill(Writer& writer, const Mail& mail) {
  writer.begin_envelope();
  writer.record(RecordType::time, "1795330061 592967");
  writer.record(RecordType::warn, padded_number(1'795'330'061));
  writer.record(RecordType::sender, mail.word + "@sender.test");
  writer.attribute("trace_flags", "1024");
  for (int i = 0; i < mail.recipients; ++i) writer.recipient(fmt::format("{}{}@example.com", mail.word, i));
  writer.begin_content();
  writer.line("Subject: " + mail.word);
  writer.line("");
  for (int i = 0; i < mail.lines; ++i) writer.line(fmt::format("{} {}", mail.word, i));
  writer.begin_extracted();
}

Result<Receipt> store(FileSystem& files, SpareTaker& spares, const Mail& mail, int microseconds = 0) {
  auto writer = Writer::create(files, kLayout, {.spares = &spares, .has_seal = true},
                               kNow + std::chrono::microseconds(microseconds));
  if (!writer) return fail(writer.error());
  fill(*writer, mail);
  return writer->commit_blocking();
}

std::string incoming(const QueueId& id) {
  return kLayout.path(queue::kIncoming, id);
}

SealState seal_of(FileSystem& files, const QueueId& id) {
  auto file = files.open(incoming(id), OpenFor::reading);
  if (!file) return SealState::none;
  auto seal = read_seal(**file);
  if (!seal) return SealState::broken;
  EXPECT_TRUE(seal->state != SealState::intact || seal->is_of(id));
  return seal->state;
}

// A file with these bytes, under that name, and what its seal says.
SealState seal_of_bytes(std::string_view bytes, const QueueId& id) {
  FaultFileSystem files;
  auto file = files.create("incoming/x", 0700);
  EXPECT_TRUE((*file)->write_at(bytes, 0));
  auto seal = read_seal(**file);
  return seal && seal->id == id ? seal->state : SealState::broken;
}

void mark_all(FileSystem& files, const std::string& path) {
  auto file = files.open(path, OpenFor::marking);
  ASSERT_TRUE(file);
  EnvelopeReader reader(**file);
  ASSERT_TRUE(reader.read());
  const auto recipients = reader.recipients(1000);
  ASSERT_TRUE(recipients);
  for (const auto& recipient : *recipients) (void)Marker(**file).recipient_done(recipient.offset);
}

TEST(SpareFiles, AFinishedFileBecomesTheNextMessage) {
  FaultFileSystem files;
  SpareTaker taker;
  SpareGiver giver(10);
  const auto first = store(files, taker, {.word = "first", .lines = 500});
  ASSERT_TRUE(first);
  ASSERT_TRUE(giver.remove(files, incoming(first->queue_id())));
  EXPECT_THAT(files.all_paths(), ElementsAre("spare/100"));
  EXPECT_EQ(files.status("spare/100")->permissions(), 0600u);

  SpareTaker other;
  const auto second = store(files, other, {.word = "second"}, 7);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->queue_id().inode(), first->queue_id().inode());
  EXPECT_NE(second->queue_id(), first->queue_id());
  EXPECT_THAT(files.all_paths(), ElementsAre(incoming(second->queue_id())));
  EXPECT_TRUE(files.status(incoming(second->queue_id()))->is_ready());

  FaultFileSystem fresh;  // exactly what a new file would hold, except for the queue id and the padding
  SpareTaker none;
  const auto alone = store(fresh, none, {.word = "second"}, 7);
  const std::string reused = files.content(incoming(second->queue_id()));
  const std::string made = fresh.content(incoming(alone->queue_id()));
  EXPECT_TRUE(reused.starts_with(made));
  EXPECT_EQ(reused.find_first_not_of('\0', made.size()), std::string::npos);
}

TEST(SpareFiles, AnUnfinishedMessageShowsNothingOfTheOld) {
  FaultFileSystem files;
  SpareTaker taker;
  SpareGiver giver(10);
  const auto first = store(files, taker, {.word = "secret", .lines = 500});
  ASSERT_TRUE(giver.remove(files, incoming(first->queue_id())));
  SpareTaker other;
  auto writer = Writer::create(files, kLayout, {.spares = &other, .has_seal = true}, kNow);
  fill(*writer, {.word = "fresh"});
  EXPECT_FALSE(files.status(writer->path())->is_ready());
  ASSERT_TRUE(writer->show_blocking());
  EXPECT_THAT(files.content(writer->path()), testing::Not(testing::HasSubstr("secret")));
  const auto receipt = writer->commit_blocking();
  ASSERT_TRUE(receipt);
  EXPECT_EQ(seal_of(files, receipt->queue_id()), SealState::intact);
}

TEST(SpareFiles, WhoStillWorksWithTheOldMessageKeepsItsFile) {
  FaultFileSystem files;
  SpareTaker taker;
  SpareGiver giver(10);
  const auto first = store(files, taker, {.word = "first"});
  auto agent = files.open(incoming(first->queue_id()), OpenFor::marking);
  ASSERT_TRUE((*agent)->try_lock_shared());
  ASSERT_TRUE(giver.remove(files, incoming(first->queue_id())));
  SpareTaker other;
  const auto second = store(files, other, {.word = "second"});
  ASSERT_TRUE(second);
  EXPECT_NE(second->queue_id().inode(), first->queue_id().inode());
  EXPECT_THAT(files.all_paths(), ElementsAre(incoming(second->queue_id())));
}

TEST(SpareFiles, WhoOpensTooLateFindsNothing) {
  // The file is taken for another message between the opening and the lock.
  struct Late : FaultFileSystem {
    IoResult<std::unique_ptr<File>> open(const std::string& path, OpenFor use) override {
      auto file = FaultFileSystem::open(path, use);
      if (before_lock) std::exchange(before_lock, nullptr)();
      return file;
    }
    std::function<void()> before_lock;
  };
  Late files;
  SpareTaker taker;
  const auto first = store(files, taker, {.word = "first"});
  const std::string path = incoming(first->queue_id());
  EXPECT_TRUE(open_shared(files, path, OpenFor::marking));
  files.before_lock = [&] { ASSERT_TRUE(files.rename(path, "incoming/other")); };
  EXPECT_EQ(open_shared(files, path, OpenFor::marking).error(), ENOENT);
  ASSERT_TRUE(files.rename("incoming/other", path));
  files.before_lock = [&] {
    ASSERT_TRUE(files.rename(path, "incoming/other"));
    ASSERT_TRUE(files.create(path, 0700));
  };
  EXPECT_EQ(open_shared(files, path, OpenFor::marking).error(), ENOENT);
}

TEST(SpareFiles, NoMoreThanTheLimitAreKept) {
  FaultFileSystem files;
  SpareTaker none;
  SpareGiver giver(16);
  const auto finish = [&](int count) {
    std::vector<QueueId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(store(files, none, {.word = "x"}, i)->queue_id());
    for (const auto& id : ids) ASSERT_TRUE(giver.remove(files, incoming(id)));
  };
  finish(40);
  EXPECT_EQ(files.all_paths().size(), 16u);
  SpareTaker taker;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store(files, taker, {.word = "y"}, i));
  EXPECT_EQ(files.list("spare")->size(), 6u);
  finish(40);
  EXPECT_LE(files.list("spare")->size(), 16u);
  EXPECT_GE(files.list("spare")->size(), 14u);
}

TEST(SpareFiles, LargeOnesAreRemoved) {
  FaultFileSystem files;
  SpareTaker none;
  SpareGiver giver(16);
  const auto large = store(files, none, {.word = std::string(1000, 'x'), .lines = 200});
  ASSERT_TRUE(giver.remove(files, incoming(large->queue_id())));
  EXPECT_THAT(files.all_paths(), IsEmpty());
  EXPECT_EQ(giver.remove(files, "incoming/ABC").error(), ENOENT);
}

TEST(SpareFiles, WithoutALimitNothingIsKept) {
  FaultFileSystem files;
  SpareTaker none;
  SpareGiver giver(0);
  ASSERT_TRUE(giver.remove(files, incoming(store(files, none, {.word = "x"})->queue_id())));
  EXPECT_THAT(files.all_paths(), IsEmpty());
}

TEST(SpareFiles, NoneIsKeptWhenMailRests) {
  FaultFileSystem files;
  SpareTaker none;
  SpareGiver giver(16);
  ASSERT_TRUE(giver.remove(files, incoming(store(files, none, {.word = "x"})->queue_id())));
  giver.tidy(files);
  EXPECT_EQ(files.list("spare")->size(), 1u);
  giver.tidy(files);
  EXPECT_THAT(files.all_paths(), IsEmpty());
}

TEST(SpareFiles, WhatNobodyNeedsGoesByHalves) {
  FaultFileSystem files;
  SpareTaker none;
  SpareGiver giver(100);
  std::vector<QueueId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(store(files, none, {.word = "x"}, i)->queue_id());
  for (const auto& id : ids) ASSERT_TRUE(giver.remove(files, incoming(id)));
  const auto left = [&] { return files.list("spare")->size(); };
  for (int i = 0; i < 5; ++i) giver.trim(files);
  EXPECT_EQ(left(), 40u);  // their marks may not be on the disk yet
  EXPECT_EQ(giver.take_recent().size(), 40u);
  EXPECT_EQ(left(), 40u);
  giver.trim(files);
  EXPECT_EQ(left(), 20u);
  // Ten of them are in use at times.
  std::vector<QueueId> busy;
  SpareTaker taker;
  for (int i = 0; i < 10; ++i) busy.push_back(store(files, taker, {.word = "y"}, i)->queue_id());
  giver.trim(files);
  EXPECT_EQ(left(), 5u);
  for (const auto& id : busy) ASSERT_TRUE(giver.remove(files, incoming(id)));
  (void)giver.take_recent();
  giver.trim(files);
  EXPECT_EQ(left(), 13u);
  for (int i = 0; i < 20; ++i) giver.trim(files);
  EXPECT_EQ(left(), 1u);
}

TEST(SpareFiles, WhatAnEarlierProcessKeptCountsAndGoes) {
  FaultFileSystem files;
  SpareTaker none;
  const auto finish = [&](SpareGiver& giver, int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(giver.remove(files, incoming(store(files, none, {.word = "x"}, i)->queue_id())));
  };
  SpareGiver earlier(4), idle(4), busy(4);
  finish(earlier, 3);
  finish(busy, 3);
  EXPECT_EQ(files.list("spare")->size(), 4u);
  idle.tidy(files);
  EXPECT_THAT(files.all_paths(), IsEmpty());
}

TEST(SpareFiles, EveryFailedCallIsReportedAndLosesNoMessage) {
  for (int call = 1; call < 30; ++call) {
    FaultFileSystem files;
    SpareTaker none, taker;
    SpareGiver giver(16);
    const auto first = store(files, none, {.word = "first"});
    ASSERT_TRUE(first);
    const int before = files.calls();
    files.fail_at(before + call, ENOSPC);
    const auto removed = giver.remove(files, incoming(first->queue_id()));
    const auto second = store(files, taker, {.word = "second"}, 3);
    const bool is_accepted = second.has_value();
    int ready = 0;
    for (const auto& path : files.all_paths()) {
      if (!path.starts_with("incoming/") || !files.status(path)->is_ready()) continue;
      ++ready;
      EXPECT_THAT(files.content(path), testing::HasSubstr(is_accepted ? "second 0" : "first 0")) << call;
    }
    EXPECT_EQ(ready, (is_accepted ? 1 : 0) + (removed ? 0 : 1)) << call;
  }
}

// Delivered to all recipients, and removed by the queue manager.
void finish(FileSystem& files, SpareGiver& giver, const QueueId& id) {
  mark_all(files, incoming(id));
  (void)giver.remove(files, incoming(id));
}

// What the next start makes of a queue: the words of the messages that would be delivered, with their number.
std::map<std::string, int> found_after_start(FaultFileSystem& files) {
  recover_messages(files, kLayout, kNow, [](std::string_view) {});
  EXPECT_THAT(*files.list("spare"), IsEmpty());
  std::map<std::string, int> found;
  std::set<std::uint64_t> seen;
  for (const auto& path : files.all_paths()) {
    const auto id = QueueId::parse(path.substr(path.find('/') + 1));
    if (!id || !path.starts_with("incoming/") || !files.status(path)->is_ready()) continue;
    auto file = files.open(path, OpenFor::reading);
    const auto seal = read_seal(**file);
    if (!seal || seal->state != SealState::intact) continue;
    const std::string content = files.content(path);
    // As the queue manager does: the message gets the name that its seal says, and then its recipients.
    if (!seal->is_of(*id)) {
      EXPECT_TRUE(give_true_name(files, kLayout, path, seal->id, kNow));
    }
    EnvelopeReader reader(**file);
    const auto envelope = reader.read();
    const auto left = reader.recipients(1);
    if (left->empty() || !seen.insert((*file)->status()->inode).second) continue;
    const std::string word = envelope->sender.substr(0, envelope->sender.find('@'));
    ++found[word];
    for (const char* other : {"first", "second", "third"}) {
      EXPECT_EQ(content.contains(other), word == other) << path;
    }
  }
  return found;
}

struct History {
  bool first = false, second = false, third = false;  // accepted
  bool first_finished = false, second_finished = false;
};

// Three messages, one after the other, in one file.
History live_through(FaultFileSystem& files) {
  History history;
  SpareTaker none, taker, other;
  SpareGiver giver(16);
  const auto first = store(files, none, {.word = "first", .lines = 30});
  history.first = first.has_value();
  if (!first || files.was_cut()) return history;
  history.first_finished = true;
  finish(files, giver, first->queue_id());
  const auto second = store(files, taker, {.word = "second", .recipients = 40}, 3);
  history.second = second.has_value();
  if (!second || files.was_cut()) return history;
  history.second_finished = true;
  finish(files, giver, second->queue_id());
  history.third = store(files, other, {.word = "third", .lines = 200}, 5).has_value();
  return history;
}

// Accepted: there once. Delivered: at most once more. Never accepted: there or not.
void expect_true_to(const History& history, std::map<std::string, int> found) {
  const auto expect = [&](const char* word, bool is_accepted, bool is_finished) {
    if (is_accepted && !is_finished) {
      EXPECT_EQ(found[word], 1) << word;
    }
    EXPECT_LE(found[word], 1) << word;
  };
  expect("first", history.first, history.first_finished);
  expect("second", history.second, history.second_finished);
  expect("third", history.third, false);
}

TEST(SpareFiles, NoPowerCutLosesOrMixesMessages) {
  for (const auto survivors : {Survivors::names, Survivors::everything}) {
    for (int cut_at = 1; cut_at < 200; ++cut_at) {
      SCOPED_TRACE(fmt::format("survivors {}, cut at {}", static_cast<int>(survivors), cut_at));
      FaultFileSystem files(cut_at);
      const History history = live_through(files);
      expect_true_to(history, found_after_start(*files.after_reboot(survivors)));
      if (!files.was_cut()) return;
    }
  }
  FAIL() << "there was always a cut";
}

// The commit of a message in a spare file leaves its name to chance.
TEST(SpareFiles, AMessageIsFoundUnderAnyNameThatItsFileHadSinceTheLastCommit) {
  int rescued = 0;
  for (int cut_at = 1; cut_at < 200; ++cut_at) {
    FaultFileSystem files(cut_at);
    const History history = live_through(files);
    for (int commit = files.first_commit(); commit <= files.calls(); ++commit) {
      for (const bool has_contents : {false, true}) {
        SCOPED_TRACE(fmt::format("cut at {}, names of {}, {}", cut_at, commit, has_contents));
        auto rebooted = files.after_replay(commit, has_contents);
        const auto before = rebooted->all_paths();
        const auto found = found_after_start(*rebooted);
        expect_true_to(history, found);
        if (!found.empty() && rebooted->all_paths() != before) ++rescued;
      }
    }
    if (!files.was_cut()) {
      EXPECT_GT(rescued, 10);
      return;
    }
  }
  FAIL() << "there was always a cut";
}

TEST(SpareFiles, TheSecondMessageNeedsNoCommitOfTheJournal) {
  FaultFileSystem files;
  SpareTaker none, taker;
  SpareGiver giver(16);
  finish(files, giver, store(files, none, {.word = "first", .lines = 30})->queue_id());
  const int committed = files.first_commit();
  const auto second = store(files, taker, {.word = "second"}, 3);
  ASSERT_TRUE(second);
  EXPECT_EQ(files.first_commit(), committed);
  // One that is put on hold has its name for good, or it would be delivered after a power cut.
  SpareTaker other;
  finish(files, giver, second->queue_id());
  auto held = Writer::create(files, kLayout, {.spares = &other, .has_seal = true}, kNow);
  ASSERT_TRUE(held);
  fill(*held, {.word = "third"});
  ASSERT_TRUE(held->move_to(queue::kHold));
  ASSERT_TRUE(held->commit_blocking());
  EXPECT_GT(files.first_commit(), committed);
}

TEST(SpareFiles, PaddingHidesTheOldMessage) {
  FaultFileSystem files;
  SpareTaker none;
  SpareGiver giver(16);
  for (const int lines : {1000, 2400, 4000}) {
    finish(files, giver, store(files, none, {.word = "secret", .lines = lines})->queue_id());
    SpareTaker taker;
    const auto second = store(files, taker, {.word = "second"}, 3);
    const std::string content = files.content(incoming(second->queue_id()));
    EXPECT_FALSE(content.contains("secret"));
    EXPECT_EQ(content.size() % 4096, 0u);
    EXPECT_LE(content.size(), 40u * 1024);
    ASSERT_TRUE(files.remove(incoming(second->queue_id())));
  }
}

TEST(Recovery, LooksAtUnfinishedFilesAndTellsWhatItFound) {
  FaultFileSystem files;
  SpareTaker none;
  const auto whole = store(files, none, {.word = "whole"})->queue_id();
  const auto misnamed = store(files, none, {.word = "misnamed"}, 1)->queue_id();
  const auto finished = store(files, none, {.word = "finished"}, 2)->queue_id();
  const auto torn = store(files, none, {.word = "torn"}, 3)->queue_id();
  const auto delivered = store(files, none, {.word = "delivered"}, 4)->queue_id();
  for (const auto& id : {whole, misnamed, finished, torn, delivered})
    ASSERT_TRUE(files.set_mode(incoming(id), 0600));
  const QueueId old_name = QueueId::make_short(kNow + std::chrono::seconds(9), *misnamed.inode());
  ASSERT_TRUE(files.rename(incoming(misnamed), "active/" + old_name.text()));
  ASSERT_TRUE(files.rename(incoming(delivered), "active/" + delivered.text()));
  mark_all(files, incoming(finished));
  ASSERT_TRUE((*files.open(incoming(torn), OpenFor::marking))->write_at("#", 105));
  std::string said;
  recover_messages(files, kLayout, kNow, [&](std::string_view text) { said += fmt::format("{}\n", text); });
  EXPECT_TRUE(files.status(incoming(whole))->is_ready());
  EXPECT_TRUE(files.status(incoming(misnamed))->is_ready());
  EXPECT_FALSE(files.status(incoming(finished)));
  EXPECT_FALSE(files.status(incoming(torn))->is_ready());
  EXPECT_FALSE(files.status("active/" + delivered.text())->is_ready());
  EXPECT_EQ(said, fmt::format("{}: found in incoming/{}, where a crash had left it\n"
                              "{}: found in active/{}, where a crash had left it\n",
                              whole.text(), whole.text(), misnamed.text(), old_name.text()));
}

TEST(Recovery, KeepsATornSpareFileForInspectionAndDropsTheRest) {
  FaultFileSystem files;
  SpareTaker none;
  SpareGiver giver(16);
  const auto torn = store(files, none, {.word = "torn"})->queue_id();
  finish(files, giver, torn);
  ASSERT_TRUE((*files.open("spare/100", OpenFor::marking))->write_at("#", 105));
  std::string said;
  recover_messages(files, kLayout, kNow, [&](std::string_view text) { said += text; });
  EXPECT_THAT(*files.list("spare"), IsEmpty());
  EXPECT_EQ(files.list("corrupt")->size(), 1u);
  EXPECT_THAT(said, testing::HasSubstr("spare/100 was not completely written; saved as corrupt/"));
}

TEST(Recovery, ASecondNameOfTheSameFileGoes) {
  FaultFileSystem files;
  SpareTaker none;
  const auto id = store(files, none, {.word = "x"})->queue_id();
  const auto other = store(files, none, {.word = "y"}, 1)->queue_id();
  EXPECT_TRUE(give_true_name(files, kLayout, incoming(other), id.with_inode(*other.inode()), kNow));
  EXPECT_THAT(files.all_paths(), testing::Contains(incoming(id)));
  EXPECT_FALSE(give_true_name(files, kLayout, "active/nosuch", id, kNow));
  // One that stands there already is another's message, and both stay.
  const auto third = store(files, none, {.word = "z"}, 2)->queue_id();
  const auto taken = incoming(id.with_inode(*third.inode()));
  ASSERT_TRUE(files.create(taken, 0700));
  EXPECT_EQ(give_true_name(files, kLayout, incoming(third), id, kNow).error(), EEXIST);
  EXPECT_THAT(files.all_paths(), testing::IsSupersetOf({incoming(third), taken}));
}

TEST(Seal, AnyMixtureOfTwoMessagesIsBroken) {
  FaultFileSystem files;
  SpareTaker none, taker;
  SpareGiver giver(16);
  const auto first = store(files, none, {.word = "old", .lines = 300, .recipients = 30});
  const std::string old = files.content(incoming(first->queue_id()));
  ASSERT_TRUE(giver.remove(files, incoming(first->queue_id())));
  const auto second = store(files, taker, {.word = "new", .lines = 300, .recipients = 30}, 3);
  const QueueId id = second->queue_id();
  const std::string fresh = files.content(incoming(id));
  ASSERT_EQ(old.size(), fresh.size());
  ASSERT_EQ(seal_of(files, id), SealState::intact);
  const auto expect_refused = [&](const std::string& mixture, std::size_t at) {
    if (mixture != fresh) {
      EXPECT_NE(seal_of_bytes(mixture, id), SealState::intact) << at;
    }
  };
  for (std::size_t at = 64; at < old.size(); at += 64) {
    expect_refused(fresh.substr(0, at) + old.substr(at), at);
    expect_refused(old.substr(0, at) + fresh.substr(at), at);
    const std::size_t end = std::min(old.size(), at + 512);
    expect_refused(fresh.substr(0, at) + old.substr(at, end - at) + fresh.substr(end), at);
  }
}

TEST(Seal, TheOldMessageUnderTheNewNameIsForeign) {
  FaultFileSystem files;
  SpareTaker none;
  const auto stored = store(files, none, {.word = "x"});
  auto file = files.open(incoming(stored->queue_id()), OpenFor::marking);
  const QueueId other = QueueId::make_short(kNow + std::chrono::seconds(5) + std::chrono::microseconds(4),
                                            *stored->queue_id().inode());
  const auto seal = read_seal(**file);
  EXPECT_EQ(seal->state, SealState::intact);
  EXPECT_EQ(seal->id, stored->queue_id());
  EXPECT_TRUE(seal->is_of(stored->queue_id()));
  EXPECT_FALSE(seal->is_of(other));
}

TEST(Seal, ARenamedFileOfACopiedQueueIsIntact) {
  FaultFileSystem files, elsewhere;
  SpareTaker none;
  const auto stored = store(files, none, {.word = "x"});
  ASSERT_TRUE(elsewhere.create("incoming/a", 0600));
  auto copy = elsewhere.create("incoming/b", 0700);
  ASSERT_TRUE((*copy)->write_at(files.content(incoming(stored->queue_id())), 0));
  const auto seal = read_seal(**copy);
  EXPECT_EQ(seal->state, SealState::intact);
  EXPECT_TRUE(seal->is_of(stored->queue_id()));
  EXPECT_TRUE(seal->is_of(stored->queue_id().with_inode((*copy)->status()->inode)));
}

TEST(Seal, WhatAgentsMarkDoesNotBreakIt) {
  FaultFileSystem files;
  SpareTaker none;
  const auto stored = store(files, none, {.word = "x", .recipients = 2});
  auto file = files.open(incoming(stored->queue_id()), OpenFor::marking);
  EnvelopeReader reader(**file);
  const auto envelope = reader.read();
  const auto recipients = reader.recipients(10);
  ASSERT_EQ(recipients->size(), 2u);
  Marker marker(**file);
  ASSERT_TRUE(marker.recipient_done(recipients->at(0).offset));
  ASSERT_TRUE(marker.recipient_cancelled(recipients->at(1).offset));
  ASSERT_TRUE(marker.warning_sent(envelope->warn_offset));
  ASSERT_TRUE(marker.trace_reported(envelope->trace_offset));
  EXPECT_EQ(seal_of(files, stored->queue_id()), SealState::intact);
}

TEST(Seal, LargeMailIsSealedTheSameWay) {
  FaultFileSystem at_once, spilled;
  SpareTaker none;
  const Mail mail{.word = "x", .lines = 1000};
  const auto first = store(at_once, none, mail);
  auto writer = Writer::create(spilled, kLayout, {.spares = &none, .has_seal = true}, kNow);
  fill(*writer, mail);
  ASSERT_TRUE(writer->flush_blocking());
  const auto second = writer->commit_blocking();
  ASSERT_TRUE(second);
  EXPECT_EQ(at_once.content(incoming(first->queue_id())), spilled.content(incoming(second->queue_id())));
}

TEST(Seal, FilesOfPostfixHaveNone) {
  FaultFileSystem files;
  auto writer = Writer::create(files, kLayout, {}, kNow);
  fill(*writer, {.word = "x"});
  const auto stored = writer->commit_blocking();
  EXPECT_EQ(seal_of(files, stored->queue_id()), SealState::none);
}

}  // namespace
}  // namespace posthouse::queuefile
