#include "tools/postcat/printer.h"

#include <gtest/gtest.h>

#include "lib/queuefile/fault_file_system.h"
#include "lib/queuefile/writer.h"

namespace posthouse::postcat {
namespace {

using queuefile::RecordType;

std::string printed(const Parts& parts) {
  queuefile::FaultFileSystem files;
  const queuefile::Layout layout;
  auto writer = queuefile::Writer::create(files, layout, {}, time_from_unix(1'700'000'000));
  writer->begin_envelope();
  writer->record(RecordType::sender, "s@x");
  writer->recipient("r@x");
  writer->begin_content();
  writer->line("Subject: x");
  writer->record(RecordType::padding, "pad");
  writer->line("");
  writer->line("body");
  writer->record(RecordType::continued, "open");
  writer->begin_extracted();
  const std::string path = writer->path();
  EXPECT_TRUE(writer->commit_blocking());
  auto file = files.open(path, queuefile::OpenFor::reading);
  std::string text;
  EXPECT_TRUE(Printer(**file, "F", parts, [&](std::string_view piece) { text += piece; }).run());
  return text;
}

TEST(Postcat, Parts) {
  EXPECT_EQ(printed({.header = true}), "Subject: x\n");
  EXPECT_EQ(printed({.body = true}), "\nbody\nopen");
  EXPECT_EQ(printed({.envelope = true}),
            "*** ENVELOPE RECORDS F ***\n"
            "message_size:              31             109               1               0              31   "
            "         "
            "   0\n"
            "sender: s@x\nrecipient: r@x\n*** MESSAGE CONTENTS F ***\n*** HEADER EXTRACTED F ***\n"
            "*** MESSAGE FILE END F ***\n");
}

TEST(Postcat, OffsetsAndTypes) {
  EXPECT_EQ(printed({.header = true, .decimal_types = true, .offsets = true}), "      109  78 Subject: x\n");
  EXPECT_EQ(printed({.body = true, .offsets = true}), "      121 \n      128 body\n      134 open\n");
}

TEST(Postcat, RefusesOtherFiles) {
  queuefile::FaultFileSystem files;
  auto file = files.create("f", 0600);
  EXPECT_TRUE((*file)->write_at("g\x02xx", 0));
  const auto done = Printer(**file, "F", {.envelope = true}, [](std::string_view) {}).run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().text, "input is not a valid queue file");
}

}  // namespace
}  // namespace posthouse::postcat
