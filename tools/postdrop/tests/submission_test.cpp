#include "tools/postdrop/submission.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/queuefile/fault_file_system.h"
#include "lib/queuefile/record_reader.h"

namespace posthouse::postdrop {
namespace {

using queuefile::RecordType;

class SubmissionTest : public testing::Test {
 protected:
  void add(char type, std::string_view data) {
    queuefile::append_record(input_, static_cast<RecordType>(type), data);
  }

  // What would be written, "A a=b|S x|..."; or "refused: why".
  std::string result(std::size_t chunk = 4096) {
    queuefile::FaultFileSystem files;
    const queuefile::Layout layout;
    const Time now = time_from_unix(1'700'000'000);
    auto writer = queuefile::Writer::create(
        files, layout, {.queue = queuefile::queue::kMaildrop, .ready_mode = 0744, .has_size_record = false},
        now);
    Submission submission(*writer, now, 1000, "-=+", [](std::string_view sender) -> Result<void> {
      if (sender == "forbidden") return fail(Failure::deferred("4.7.1", "not this one"));
      return {};
    });
    for (std::size_t at = 0; at < input_.size() && !submission.is_complete(); at += chunk) {
      auto done = submission.append(std::string_view(input_).substr(at, chunk));
      if (!done) return "refused: " + done.error().text;
    }
    if (!submission.is_complete()) return "incomplete";
    const std::string path = writer->path();
    EXPECT_TRUE(writer->commit_blocking());
    EXPECT_EQ(files.status(path)->permissions(), 0744u);
    auto file = files.open(path, queuefile::OpenFor::reading);
    queuefile::RecordReader reader(**file);
    std::string text;
    while (auto record = *reader.next())
      text += fmt::format("{} {}|", static_cast<char>(record->type), record->data);
    return text;
  }

  std::string input_;
};

TEST_F(SubmissionTest, NotEverySenderMayBeUsed) {
  add('S', "forbidden");
  EXPECT_EQ(result(), "refused: not this one");
}

TEST_F(SubmissionTest, KeepsWhatIsAllowed) {
  add('A', "rewrite_context=local");
  add('A', "log_client_name=forged");
  add('A', "trace_flags=1280");
  add('S', "s@virt.test");
  add('A', "notify_flags=12");
  add('R', "a@virt.test");
  add('M', "");
  add('N', "Subject: hello");
  add('L', "noeol");
  add('X', "");
  add('R', "b@x.test");
  add('E', "");
  const std::string expected =
      "T 1700000000 0|A rewrite_context=local|A trace_flags=1024|S s@virt.test|A notify_flags=12|R "
      "a@virt.test|M |"
      "N Subject: hello|L noeol|X |R b@x.test|E |";
  EXPECT_EQ(result(), expected);
  EXPECT_EQ(result(1), expected);
}

TEST_F(SubmissionTest, RefusesRecordsOfOtherSegments) {
  add('S', "");
  add('T', "1 2");
  EXPECT_EQ(result(), "refused: unexpected record type: 84");
  input_.clear();
  add('S', "");
  add('M', "");
  add('R', "x@y");
  EXPECT_EQ(result(), "refused: unexpected record type: 82");
  input_.clear();
  add('p', "              0");
  EXPECT_EQ(result(), "refused: unexpected record type: 112");
}

TEST_F(SubmissionTest, RefusesLineBreaksAndBrokenRecords) {
  add('S', "a\nb");
  EXPECT_EQ(result(), "refused: line break in envelope record");
  input_.assign("S\xff\xff\xff\xff\xff\x7f");
  EXPECT_EQ(result(), "refused: unusually many length bits in record");
  input_.assign(std::string("\0\0", 2));
  EXPECT_EQ(result(), "refused: record type 0");
  input_.clear();
  add('M', "");
  EXPECT_EQ(result(), "refused: missing sender record");
  input_.clear();
  add('S', "");
  EXPECT_EQ(result(), "incomplete");
}

TEST_F(SubmissionTest, RefusesLargeMessages) {
  add('S', "");
  add('M', "");
  add('N', std::string(1000, 'x'));
  EXPECT_EQ(result(), "refused: message file too big");
}

}  // namespace
}  // namespace posthouse::postdrop
