#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "lib/queuefile/content_reader.h"
#include "lib/queuefile/envelope_reader.h"
#include "lib/queuefile/fault_file_system.h"
#include "lib/queuefile/marker.h"
#include "lib/queuefile/writer.h"

namespace posthouse::queuefile {
namespace {

using testing::ElementsAre;

const Time kNow = time_from_unix(1'795'330'061) + std::chrono::microseconds(601'290);

void fill(Writer& writer, int recipients = 1) {
  writer.begin_envelope();
  writer.record(RecordType::time, "1795330061 592967");
  writer.attribute("create_time", "1795330061");
  writer.record(RecordType::sender, "alice@example.com");
  for (int i = 0; i < recipients; ++i) {
    writer.attribute("notify_flags", "4");
    writer.record(RecordType::original_recipient, fmt::format("o{}@example.com", i));
    writer.recipient(fmt::format("r{}@example.com", i), kNotifyFailure);
  }
  writer.begin_content();
  writer.line("Subject: hi");
  writer.line("");
  writer.line(".dot");
  writer.line(std::string(5000, 'x'));
  writer.begin_extracted();
}

Result<Receipt> store(FaultFileSystem& files, const Layout& layout = {}) {
  auto writer = Writer::create(files, layout, {}, kNow);
  if (!writer) return fail(writer.error());
  fill(*writer);
  return writer->commit_blocking();
}

std::unique_ptr<File> load(FaultFileSystem& files, const std::string& name) {
  std::ifstream in(std::string(TEST_DATA_DIR) + "/" + name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  auto file = files.create(name, 0700);
  EXPECT_TRUE((*file)->write_at(bytes, 0));
  return std::move(*file);
}

std::string content_of(File& file, std::int64_t data_offset) {
  ContentReader reader(file, data_offset, 256);
  std::string out;
  for (;;) {
    auto more = reader.append_lines(out, 100, {.line_end = "\n", .dot_stuffing = true});
    EXPECT_TRUE(more);
    if (!more || !*more) return out;
  }
}

TEST(Writer, MakesAFileThatTheReadersUnderstand) {
  FaultFileSystem files;
  const auto receipt = store(files);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->queue_id().text(), "92CCA64");
  const std::string path = "incoming/92CCA64";
  EXPECT_TRUE(files.status(path)->is_ready());

  auto file = files.open(path, OpenFor::reading);
  EnvelopeReader reader(**file);
  const auto envelope = reader.read();
  ASSERT_TRUE(envelope) << envelope.error().text;
  EXPECT_EQ(envelope->sender, "alice@example.com");
  EXPECT_EQ(envelope->size.recipient_count, 1);
  EXPECT_EQ(envelope->size.queue_flags, 8);
  EXPECT_EQ(envelope->size.message_size, receipt->message_size());
  EXPECT_EQ(unix_seconds(envelope->created), 1795330061);
  const auto recipients = reader.recipients(10);
  ASSERT_EQ(recipients->size(), 1u);
  EXPECT_EQ(recipients->at(0).address, "r0@example.com");
  EXPECT_EQ(recipients->at(0).original, "o0@example.com");
  EXPECT_EQ(recipients->at(0).notify, kNotifyFailure);
  EXPECT_FALSE(reader.has_more());
  EXPECT_EQ(content_of(**file, envelope->size.data_offset),
            "Subject: hi\n\n..dot\n" + std::string(5000, 'x') + "\n");
}

TEST(Writer, SmallMailCostsOneWrite) {
  FaultFileSystem files;
  ASSERT_TRUE(store(files));
  // create, rename, write, mode, sync, directory sync
  EXPECT_EQ(files.calls(), 6);
}

TEST(Writer, TheReadyMarkIsAsDurableAsTheContent) {
  FaultFileSystem files;
  const auto receipt = store(files);
  ASSERT_TRUE(receipt);
  const auto rebooted = files.after_reboot(FaultFileSystem::Survivors::synced);
  const auto status = rebooted->status(Layout().path("incoming", receipt->queue_id()));
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->is_ready());
}

TEST(Writer, LargeMailIsPatchedInPlace) {
  FaultFileSystem files;
  const Layout layout;
  auto writer = Writer::create(files, layout, {}, kNow);
  fill(*writer);
  ASSERT_TRUE(writer->flush_blocking());
  ASSERT_TRUE(writer->patch(SizeRecord::kRecordLength + 2, "1"));
  ASSERT_TRUE(writer->commit_blocking());
  EXPECT_EQ(files.content("incoming/92CCA64").substr(0, 17), "C_           5030");
}

TEST(Writer, AnAbandonedFileIsRemoved) {
  FaultFileSystem files;
  const Layout layout;
  {
    auto writer = Writer::create(files, layout, {}, kNow);
    ASSERT_TRUE(writer);
    EXPECT_EQ(files.all_paths().size(), 1u);
    fill(*writer);
  }
  EXPECT_TRUE(files.all_paths().empty());
}

TEST(Writer, EveryFailedCallIsReportedAndLeavesNothing) {
  const Layout layout("incoming", 2);
  for (int call = 1;; ++call) {
    FaultFileSystem files;
    files.fail_at(call, ENOSPC);
    const auto receipt = store(files, layout);
    if (files.calls() < call) break;
    if (receipt) continue;  // making a directory may fail, when it is there
    EXPECT_EQ(receipt.error().verdict, Verdict::defer);
    EXPECT_TRUE(files.all_paths().empty()) << call;
  }
}

TEST(Writer, NoPowerCutLosesAcceptedMail) {
  for (int cut_at = 1;; ++cut_at) {
    FaultFileSystem files(cut_at);
    const bool accepted = store(files).has_value();
    for (auto survivors : {FaultFileSystem::Survivors::synced, FaultFileSystem::Survivors::everything}) {
      const auto rebooted = files.after_reboot(survivors);
      int complete = 0;
      for (const auto& path : rebooted->all_paths()) {
        if (!rebooted->status(path)->is_ready()) continue;
        auto file = rebooted->open(path, OpenFor::reading);
        complete += EnvelopeReader(**file).read().has_value();
      }
      if (accepted) {
        EXPECT_EQ(complete, 1) << "power cut at step " << cut_at;
      }
      EXPECT_LE(complete, 1);
    }
    if (!files.was_cut()) break;
  }
}

TEST(Writer, HoldMovesTheFileBeforeItIsReady) {
  FaultFileSystem files;
  const Layout layout;
  auto writer = Writer::create(files, layout, {}, kNow);
  fill(*writer);
  ASSERT_TRUE(writer->move_to(queue::kHold));
  ASSERT_TRUE(writer->commit_blocking());
  EXPECT_THAT(files.all_paths(), ElementsAre("hold/92CCA64"));
}

TEST(Writer, NeverReplacesAnExistingMessage) {
  FaultFileSystem files;
  ASSERT_TRUE(files.create("incoming/92CCA65", 0700));  // will be inode 101, taken from a backup
  ASSERT_TRUE(store(files));
  EXPECT_THAT(files.all_paths(), ElementsAre("incoming/92CCA65", "incoming/92CCB65"));
}

TEST(EnvelopeReader, PlainExample) {
  FaultFileSystem files;
  auto file = load(files, "plain");
  EnvelopeReader reader(*file);
  const auto envelope = reader.read();
  ASSERT_TRUE(envelope) << envelope.error().text;
  EXPECT_EQ(envelope->sender, "alice@example.com");
  EXPECT_EQ(envelope->envelope_id, "abc+1");
  EXPECT_EQ(envelope->return_flags, kReturnHeaders);
  EXPECT_EQ(envelope->encoding, "8bit");
  EXPECT_EQ(envelope->attribute("log_helo_name"), "client.test");
  const auto recipients = reader.recipients(100);
  ASSERT_EQ(recipients->size(), 1u);
  EXPECT_EQ(recipients->at(0).offset, 704);
  EXPECT_EQ(recipients->at(0).dsn_original, "rfc822;bob@orig.test");
  EXPECT_EQ(recipients->at(0).notify, 6u);
  EXPECT_NE(content_of(*file, 794).find(std::string(2100, 'x') + "\nend\n"), std::string::npos);
}

TEST(EnvelopeReader, EditedExampleFollowsPointers) {
  FaultFileSystem files;
  auto file = load(files, "edited");
  EnvelopeReader reader(*file);
  const auto envelope = reader.read();
  ASSERT_TRUE(envelope) << envelope.error().text;
  EXPECT_EQ(envelope->sender, "newsender@example.com");
  EXPECT_EQ(envelope->envelope_id, "xyz");
  EXPECT_EQ(envelope->size.message_size, 320);
  std::vector<std::string> addresses;
  while (reader.has_more()) {
    const auto batch = reader.recipients(1);
    ASSERT_TRUE(batch);
    for (const auto& recipient : *batch) addresses.push_back(recipient.address);
  }
  EXPECT_THAT(addresses, ElementsAre("keep@defer.test", "added@defer.test"));
  const std::string content = content_of(*file, 743);
  EXPECT_TRUE(content.starts_with("X-Ins0: inserted at 0\nX-Ins1: inserted at 1\nReceived: from cl.test"));
  EXPECT_TRUE(content.ends_with("X-Added: appended\n\nnew body line 1\nnew body line 2\n"));
}

TEST(EnvelopeReader, BatchesContinueOverBothSegments) {
  FaultFileSystem files;
  const Layout layout;
  auto writer = Writer::create(files, layout, {}, kNow);
  fill(*writer, 1000);
  writer->record(RecordType::original_recipient, "bcc@example.com");
  writer->recipient("bcc@example.com");
  const std::string path = writer->path();
  ASSERT_TRUE(writer->commit_blocking());
  auto file = files.open(path, OpenFor::marking);
  Marker marker(**file);
  EnvelopeReader reader(**file);
  ASSERT_TRUE(reader.read());
  std::size_t seen = 0;
  while (reader.has_more()) {
    const auto batch = reader.recipients(7);
    ASSERT_TRUE(batch);
    for (const auto& recipient : *batch) {
      if (seen++ % 2 == 0) {
        EXPECT_TRUE(marker.recipient_done(recipient.offset));
      }
    }
  }
  EXPECT_EQ(seen, 1001u);
  EnvelopeReader again(**file);
  ASSERT_TRUE(again.read());
  EXPECT_EQ(again.recipients(10000)->size(), 500u);
}

std::string failure_of(std::string_view bytes) {
  FaultFileSystem files;
  auto file = files.create("f", 0700);
  EXPECT_TRUE((*file)->write_at(bytes, 0));
  const auto envelope = EnvelopeReader(**file).read();
  return envelope ? "ok" : envelope.error().is_permanent() ? envelope.error().text : "deferred";
}

TEST(EnvelopeReader, RefusesBrokenFiles) {
  std::string bytes;
  EXPECT_EQ(failure_of(bytes), "missing size record");
  append_record(bytes, RecordType::size, SizeRecord{}.payload());
  EXPECT_EQ(failure_of(bytes), "missing size record");
  bytes.clear();
  append_record(bytes, RecordType::size, SizeRecord{2, 99, 0, 0, 2, 0}.payload());
  EXPECT_EQ(failure_of(bytes), "missing end record");
  append_record(bytes, RecordType::message, "");
  append_record(bytes, RecordType::line, "");
  EXPECT_EQ(failure_of(bytes), "missing end record");
  append_record(bytes, RecordType::extracted, "");
  append_record(bytes, RecordType::end, "");
  EXPECT_EQ(failure_of(bytes), "missing arrival time record");

  std::string loop;
  append_record(loop, RecordType::size, SizeRecord{2, 99, 0, 0, 2, 0}.payload());
  append_pointer(loop, 97);
  EXPECT_EQ(failure_of(loop), "too many reverse jump records at offset 97");
}

TEST(Marker, WarningIsSentOnce) {
  FaultFileSystem files;
  const Layout layout;
  auto writer = Writer::create(files, layout, {}, kNow);
  writer->begin_envelope();
  writer->record(RecordType::time, "1795330061");
  writer->attribute("trace_flags", "1024");
  writer->record(RecordType::sender, "");
  writer->record(RecordType::warn, padded_number(1795344461));
  writer->begin_content();
  writer->line("");
  writer->begin_extracted();
  const std::string path = writer->path();
  ASSERT_TRUE(writer->commit_blocking());
  auto file = files.open(path, OpenFor::marking);
  auto envelope = EnvelopeReader(**file).read();
  EXPECT_EQ(envelope->warn_time, 1795344461);
  EXPECT_EQ(envelope->trace_flags, kTraceRecord);
  ASSERT_TRUE(Marker(**file).warning_sent(envelope->warn_offset));
  ASSERT_TRUE(Marker(**file).trace_reported(envelope->trace_offset));
  envelope = EnvelopeReader(**file).read();
  EXPECT_EQ(envelope->warn_time, -1);
  EXPECT_EQ(envelope->trace_flags, 0u);
}

}  // namespace
}  // namespace posthouse::queuefile
