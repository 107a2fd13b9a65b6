#include "lib/delivery/smtp/transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/queuefile/record.h"
#include "lib/runtime/fiber.h"

namespace posthouse::delivery::smtp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// A queue file with the recipients' records and the content.
class TestFile {
 public:
  TestFile(const std::vector<std::string>& recipients, const std::vector<std::string>& lines) {
    using queuefile::RecordType;
    std::string bytes;
    queuefile::append_record(bytes, RecordType::sender, "s@test");
    for (const auto& recipient : recipients) {
      request.recipients.push_back({.offset = static_cast<std::int64_t>(bytes.size()),
                                    .original = recipient,
                                    .address = recipient,
                                    .dsn_original = "rfc822;" + recipient});
      queuefile::append_record(bytes, RecordType::recipient, recipient);
    }
    request.data_offset = static_cast<std::int64_t>(bytes.size());
    for (const auto& line : lines) queuefile::append_record(bytes, RecordType::line, line);
    queuefile::append_record(bytes, RecordType::extracted, "");
    const int fd = ::mkstemp(path_.data());
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(fd);
    file = *queuefile::FileSystem::system().open(path_, queuefile::OpenFor::marking);
    request.queue_id = "ABC123";
    request.sender = "s@test";
    request.encoding = "7bit";
    request.message_size = 100;
  }
  ~TestFile() { ::unlink(path_.c_str()); }
  std::string marks() const {
    std::string found(request.recipients.size(), ' ');
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(file->read_at(&found[i], 1, request.recipients[i].offset));
    return found;
  }

  ipc::DeliveryRequest request;
  std::unique_ptr<queuefile::File> file;

 private:
  std::string path_ = "/tmp/posthouse-transaction-XXXXXX";
};

// The server: says each answer when the command before it has come; "" hangs up. The first is the greeting.
void play(UniqueFd fd, const std::vector<std::string>& answers, std::string& seen) {
  runtime::Stream stream(std::move(fd));
  bool in_content = false;
  for (std::size_t next = 0; next < answers.size(); ++next) {
    while (next > 0) {
      const std::string_view end =
          in_content && !stream.buffered().starts_with(".\r\n") ? "\r\n.\r\n" : "\r\n";
      const std::size_t at = stream.buffered().find(end);
      if (at != std::string_view::npos) {
        seen += stream.buffered().substr(0, at + end.size());
        stream.consume(at + end.size());
        break;
      }
      if (stream.fill(deadline_after(5s)) != runtime::Io::ok) return;
    }
    if (answers[next].empty()) return;
    stream.write(answers[next] + "\r\n");
    if (stream.flush(deadline_after(5s)) != runtime::Io::ok) return;
    in_content = answers[next].starts_with("354");
  }
  while (stream.fill(deadline_after(5s)) == runtime::Io::ok) {
    seen += stream.buffered();
    stream.consume(stream.buffered().size());
  }
}

struct Case {
  std::vector<std::string> answers;  // after greeting and EHLO
  std::vector<std::string> recipients{"a@test"};
  std::string ehlo = "250-peer\r\n250-PIPELINING\r\n250 DSN";
  int uses = 1;
  bool is_final = true;
  bool is_lmtp = false;
  std::uint32_t flags = 0;
  std::chrono::seconds data_done{5};
};

struct Outcome {
  std::vector<std::string> log;
  std::string marks, seen;
  Transaction::End end = Transaction::End::done;
  ipc::DeliveryReply reply;
  bool needs_reset = false;
  Failure last_failure;
};

Outcome run(const Case& what) {
  Outcome outcome;
  runtime::run([&] {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
    std::vector<std::string> answers{"220 peer ESMTP", what.ehlo};
    std::ranges::copy(what.answers, std::back_inserter(answers));
    runtime::Fiber peer = runtime::spawn(
        [&, end = std::make_shared<UniqueFd>(pair[1])] { play(std::move(*end), answers, outcome.seen); });
    SessionSettings session_settings{.is_lmtp = what.is_lmtp, .myhostname = "me", .helo_name = "me"};
    session_settings.timeouts.data_done = what.data_done;
    const TransactionSettings settings{.is_lmtp = what.is_lmtp};
    TestFile file(what.recipients, {"Subject: x", "", ".hi"});
    file.request.flags = what.flags;
    const ResultPeers peers{
        .append = [](const ipc::BounceAppend&) -> Result<void> { return {}; },
        .verify = [](const ipc::VerifyUpdate&) {},
        .log = [&](const std::string& line) { outcome.log.push_back(line.substr(line.find("dsn="))); }};
    {
      Session session(runtime::Stream{UniqueFd{pair[0]}}, {.host = "peer", .address = "1.2.3.4", .port = 25},
                      session_settings);
      ASSERT_TRUE(session.open());
      session.uses = what.uses;
      Results results(file.request, *file.file, peers, {});
      Attempt attempt{file.request, *file.file, results};
      Transaction transaction(session, attempt, settings, {.is_final = what.is_final, .relay = {}});
      outcome.end = transaction.run();
      outcome.needs_reset = session.needs_reset;
      outcome.last_failure = transaction.last_failure();
      outcome.reply = results.finish();
      outcome.marks = file.marks();
    }
    while (peer.is_running()) runtime::yield();
    runtime::stop();
  });
  return outcome;
}

using End = Transaction::End;

TEST(Transaction, SendsOneBatchAndTheContent) {
  const auto outcome = run({.answers = {"250 a", "250 b", "354 go", "250 2.0.0 Ok"}});
  EXPECT_EQ(outcome.seen,
            "EHLO me\r\nMAIL FROM:<s@test>\r\nRCPT TO:<a@test> ORCPT=rfc822;a@test\r\nDATA\r\n"
            "Subject: x\r\n\r\n..hi\r\n.\r\n");
  EXPECT_THAT(outcome.log, ElementsAre("dsn=2.0.0, status=sent (250 2.0.0 Ok)"));
  EXPECT_EQ(outcome.marks, "D");
  EXPECT_EQ(outcome.end, End::done);
  EXPECT_FALSE(outcome.needs_reset);
}

TEST(Transaction, EveryStageOfRefusal) {
  struct Row {
    std::vector<std::string> answers;
    std::string log;
    std::string mark;
  };
  const std::string host = "host peer[1.2.3.4] said: ";
  for (const Row& row : std::vector<Row>{
           {{"451 4.3.0 m", "503 r", "503 d"},
            "dsn=4.3.0, status=deferred (" + host + "451 4.3.0 m (in reply to MAIL FROM command))",
            "R"},
           {{"550 5.7.1 m", "503 r", "503 d"},
            "dsn=5.7.1, status=bounced (" + host + "550 5.7.1 m (in reply to MAIL FROM command))",
            "D"},
           {{"250 m", "450 r", "503 d"},
            "dsn=4.0.0, status=deferred (" + host + "450 r (in reply to RCPT TO command))",
            "R"},
           {{"250 m", "550 r", "503 d"},
            "dsn=5.0.0, status=bounced (" + host + "550 r (in reply to RCPT TO command))",
            "D"},
           {{"250 m", "550 r", "354 d", "554 none"},
            "dsn=5.0.0, status=bounced (" + host + "550 r (in reply to RCPT TO command))",
            "D"},
           {{"250 m", "250 r", "451 d"},
            "dsn=4.0.0, status=deferred (" + host + "451 d (in reply to DATA command))",
            "R"},
           {{"250 m", "250 r", "354 d", "552 5.3.4 big"},
            "dsn=5.3.4, status=bounced (" + host + "552 5.3.4 big (in reply to end of DATA command))",
            "D"},
           {{""},
            "dsn=4.4.2, status=deferred (lost connection with peer[1.2.3.4] while sending MAIL FROM)",
            "R"},
           {{"250 m", ""},
            "dsn=4.4.2, status=deferred (lost connection with peer[1.2.3.4] while sending RCPT TO)",
            "R"},
           {{"250 m", "250 r", ""},
            "dsn=4.4.2, status=deferred (lost connection with peer[1.2.3.4] while sending DATA command)",
            "R"},
           {{"250 m", "250 r", "354 d", ""},
            "dsn=4.4.2, status=deferred (lost connection with peer[1.2.3.4] while sending end of data -- "
            "message may be sent more than once)",
            "R"},
           {{"250 m", "250 r", "what is this"},
            "dsn=4.4.2, status=deferred (lost connection with peer[1.2.3.4] while sending DATA command)",
            "R"},
       }) {
    const auto outcome = run({.answers = row.answers});
    EXPECT_THAT(outcome.log, ElementsAre(row.log));
    EXPECT_EQ(outcome.marks, row.mark) << row.log;
  }
}

TEST(Transaction, ATimeoutIsADeferralThatTheQueueManagerHearsOf) {
  // An empty script after 354 would hang up; the server that says nothing is one whose script has ended.
  const auto outcome = run({.answers = {"250 m", "250 r", "354 d"}, .data_done = 0s});
  EXPECT_THAT(outcome.log,
              ElementsAre(HasSubstr("conversation with peer[1.2.3.4] timed out while sending end of data")));
  EXPECT_TRUE(outcome.reply.destination);
  EXPECT_EQ(outcome.end, End::broken);
}

TEST(Transaction, RecipientsHaveResultsOfTheirOwn) {
  const auto outcome = run({.answers = {"250 m", "550 5.1.1 a", "450 4.2.0 b", "250 c", "354 d", "250 ok"},
                            .recipients = {"a@test", "b@test", "c@test"}});
  EXPECT_EQ(outcome.marks, "DRD");
  EXPECT_EQ(outcome.reply.outcomes,
            (std::vector{ipc::Outcome::bounced, ipc::Outcome::deferred, ipc::Outcome::delivered}));
  EXPECT_FALSE(outcome.reply.destination);
}

TEST(Transaction, SoftFailuresAreLeftToTheNextServer) {
  auto outcome = run({.answers = {"250 m", "550 5.1.1 a", "450 4.2.0 b", "503 d"},
                      .recipients = {"a@test", "b@test"},
                      .is_final = false});
  EXPECT_THAT(outcome.log, ElementsAre(HasSubstr("status=bounced")));
  EXPECT_EQ(outcome.last_failure.dsn, "4.2.0");
  EXPECT_TRUE(outcome.needs_reset);
  outcome = run({.answers = {"250 m", "250 r", "354 d", ""}, .is_final = false});
  EXPECT_TRUE(outcome.log.empty());
  EXPECT_FALSE(outcome.reply.destination);
}

TEST(Transaction, AReusedConnectionThatWasClosedHarmsNobody) {
  for (const std::vector<std::string>& answers : {std::vector<std::string>{""}, {"421 4.4.2 idle"}}) {
    const auto outcome = run({.answers = answers, .uses = 2});
    EXPECT_EQ(outcome.end, End::stale);
    EXPECT_TRUE(outcome.log.empty());
    EXPECT_FALSE(outcome.reply.destination);
  }
  EXPECT_EQ(run({.answers = {"250 m", ""}, .uses = 2}).end, End::broken);
}

TEST(Transaction, WithoutPipeliningEachReplyIsAwaited) {
  auto outcome = run({.answers = {"250 m", "550 5.1.1 a"}, .ehlo = "250 peer"});
  EXPECT_THAT(outcome.seen, Not(HasSubstr("DATA")));
  EXPECT_TRUE(outcome.needs_reset);
  outcome = run({.answers = {"550 5.7.1 m"}, .ehlo = "250 peer"});
  EXPECT_THAT(outcome.seen, Not(HasSubstr("RCPT")));
  outcome =
      run({.answers = {"250 m", "421 4.3.2 bye"}, .recipients = {"a@test", "b@test"}, .ehlo = "250 peer"});
  EXPECT_THAT(outcome.log,
              ElementsAre(HasSubstr("421 4.3.2 bye (in reply to RCPT TO command)"),
                          HasSubstr("lost connection with peer[1.2.3.4] while sending RCPT TO")));
}

TEST(Transaction, TheSizeIsToldToServersThatNameALimit) {
  EXPECT_THAT(run({.answers = {"550 5.7.1 m"}, .ehlo = "250-peer\r\n250 size 100"}).seen,
              HasSubstr("MAIL FROM:<s@test> SIZE=100\r\n"));
  for (const char* ehlo : {"250-peer\r\n250 SIZE", "250-peer\r\n250 SIZE 0", "250 peer"}) {
    EXPECT_THAT(run({.answers = {"550 5.7.1 m"}, .ehlo = ehlo}).seen, Not(HasSubstr("SIZE="))) << ehlo;
  }
}

TEST(Transaction, LmtpAnswersForEachRecipient) {
  const auto outcome =
      run({.answers = {"250 m", "250 a", "250 b", "250 c", "354 d", "250 a\r\n452 4.2.2 b\r\n550 5.2.1 c"},
           .recipients = {"a@test", "b@test", "c@test"},
           .is_lmtp = true});
  EXPECT_EQ(outcome.marks, "DRD");
  // What was delivered before the connection broke stays delivered.
  const auto cut = run({.answers = {"250 m", "250 a", "250 b", "354 d", "250 a", ""},
                        .recipients = {"a@test", "b@test"},
                        .is_lmtp = true,
                        .data_done = 1s});
  EXPECT_EQ(cut.marks, "DR");
}

TEST(Transaction, ProbesStopBeforeData) {
  const auto outcome = run({.answers = {"250 m", "250 2.1.5 yes"}, .flags = ipc::delivery_flag::kProbe});
  EXPECT_THAT(outcome.log, ElementsAre("dsn=2.1.5, status=deliverable (250 2.1.5 yes)"));
  EXPECT_THAT(outcome.seen, Not(HasSubstr("DATA")));
  EXPECT_TRUE(outcome.needs_reset);
}

}  // namespace
}  // namespace posthouse::delivery::smtp
