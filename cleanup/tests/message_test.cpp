#include "cleanup/message.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "lib/base/text.h"
#include "lib/queuefile/envelope_reader.h"
#include "lib/queuefile/fault_file_system.h"
#include "lib/runtime/fiber.h"

namespace posthouse::cleanup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace flag = ipc::cleanup_flag;
namespace status = ipc::cleanup_status;

class FakeNeighbours : public Neighbours {
 public:
  Result<std::vector<std::string>> rewrite(std::string_view, std::vector<std::string> addresses) override {
    ++questions;
    if (is_down) return fail(Failure::deferred("4.3.0", ""));
    for (auto& address : addresses) {
      if (address.find('@') == std::string::npos) address += "@example.test";
    }
    return addresses;
  }
  void arrived(const queuefile::QueueId& id) override { arrivals.push_back(id.text()); }
  bool append_trace(const ipc::BounceAppend& entry) override {
    traces.push_back(entry);
    return true;
  }
  bool bounce(const ipc::BounceOne& notice) override {
    bounces.push_back(notice);
    return may_bounce;
  }
  void verified(const std::string& address, const std::string&, std::string_view text) override {
    verdicts.push_back(address + ": " + std::string(text));
  }
  std::vector<std::string> verdicts;
  bool is_down = false, may_bounce = true;
  int questions = 0;
  std::vector<std::string> arrivals;
  std::vector<ipc::BounceAppend> traces;
  std::vector<ipc::BounceOne> bounces;
};

FindAddress table_of(std::map<std::string, std::string> entries) {
  return [entries = std::move(entries)](std::string_view address) -> table::AddressLookup {
    if (auto found = entries.find(lower(address)); found != entries.end()) {
      if (found->second == "FAIL") return Failure::deferred("4.3.0", "table down");
      return table::AddressMatch{.value = found->second, .extension = {}, .by_domain = false};
    }
    const auto plus = address.find('+');
    if (plus == std::string_view::npos) return NotFound{};
    const auto at = address.find('@');
    const std::string plain = lower(std::string(address.substr(0, plus)) + std::string(address.substr(at)));
    if (auto found = entries.find(plain); found != entries.end())
      return table::AddressMatch{.value = found->second,
                                 .extension = std::string(address.substr(plus, at - plus)),
                                 .by_domain = false};
    return NotFound{};
  };
}

class CleanupMessage : public testing::Test {
 protected:
  CleanupMessage() {
    settings.myhostname = "mx.example.test";
    open.flags = flag::kMap | flag::kBcc | flag::kFilter;
    open.arrival_seconds = 1'795'527'761;
    open.arrival_microseconds = 158'477;
    open.sender = "s@virt.test";
    open.attributes = {{"rewrite_context", "local"}};
  }

  void to(const std::vector<std::string>& addresses, std::uint32_t notify = 0) {
    for (const auto& address : addresses)
      recipients.push_back({.original = address, .address = address, .dsn_original = {}, .notify = notify});
  }

  ipc::CleanupClosed run(std::string_view content, std::size_t chunk = 65536) {
    ipc::CleanupClosed closed;
    runtime::run([&] {
      const Surroundings around{settings, maps, neighbours, files, clock};
      Message message(around);
      (void)message.open(open);
      message.recipients(recipients);
      for (std::size_t at = 0; at < content.size(); at += chunk) message.content(content.substr(at, chunk));
      message.recipients(late_recipients);
      closed = message.close(close);
      runtime::stop();
    });
    return closed;
  }

  // The records of the only file in the queue, "T payload", without the SIZE record and padding blanks.
  std::vector<std::string> records(std::string_view types) {
    std::vector<std::string> all;
    const auto paths = files.all_paths();
    EXPECT_EQ(paths.size(), 1u);
    if (paths.empty()) return all;
    auto file = files.open(paths[0], queuefile::OpenFor::reading);
    queuefile::RecordReader reader(**file);
    for (;;) {
      auto record = reader.next();
      EXPECT_TRUE(record);
      if (!record || !*record) return all;
      const char type = static_cast<char>((*record)->type);
      if (types.find(type) != std::string_view::npos)
        all.push_back(fmt::format("{} {}", type, (*record)->data));
    }
  }
  std::vector<std::string> lines() { return records("NL"); }

  Settings settings;
  Maps maps;
  FakeNeighbours neighbours;
  queuefile::FaultFileSystem files;
  FakeClock clock{time_from_unix(1'795'527'761) + std::chrono::microseconds(199'048)};
  ipc::CleanupOpen open;
  ipc::CleanupClose close;
  std::vector<ipc::CleanupRecipient> recipients, late_recipients;
};

TEST_F(CleanupMessage, StoresANetworkMessage) {
  to({"a@x.test"});
  open.late_attributes = {{"encoding", "8bit"}, {"log_client_name", "localhost"}};
  const auto closed =
      run("Received: from x\n\tby y\nFrom: a <joe>\nSubject: hi\n folded\nBcc: secret@x.y\n\nbody\n");
  EXPECT_EQ(closed.status, 0u);
  EXPECT_EQ(neighbours.arrivals, std::vector{closed.queue_id});
  EXPECT_THAT(records("TALFSVWORMNXE"),
              ElementsAre("T 1795527761 158477", "A create_time=1795527761", "A log_ident=" + closed.queue_id,
                          "A rewrite_context=local", "S s@virt.test", "A encoding=8bit",
                          "A log_client_name=localhost", "A dsn_orig_rcpt=rfc822;a@x.test", "O a@x.test",
                          "R a@x.test", "M ", "N Received: from x", "N \tby y",
                          "N From: a <joe@example.test>", "N Subject: hi", "N  folded",
                          "N Message-Id: <20261124134241." + closed.queue_id + "@mx.example.test>",
                          testing::StartsWith("N Date: Tue, 24 Nov 2026 "), "N ", "N body", "X ",
                          "A encoding=8bit", "E "));
  auto file = files.open("incoming/" + closed.queue_id, queuefile::OpenFor::reading);
  EXPECT_EQ(queuefile::EnvelopeReader(**file).read()->size.message_size,
            static_cast<std::int64_t>(closed.size));
}

TEST_F(CleanupMessage, ChunksMayEndAnywhere) {
  to({"a@x.test"});
  const std::string content = "Subject: hi\n folded\n\nbody\n" + std::string(5000, 'x') + "\n\nend";
  run(content);
  const auto whole = lines();
  files = queuefile::FaultFileSystem();
  for (std::size_t chunk : {1, 2, 3, 7, 100}) {
    queuefile::FaultFileSystem fresh;
    std::swap(files, fresh);
    run(content, chunk);
    auto now = lines();
    std::erase_if(now, [](const auto& line) { return line.starts_with("N Message-Id"); });
    auto expected = whole;
    std::erase_if(expected, [](const auto& line) { return line.starts_with("N Message-Id"); });
    EXPECT_EQ(now, expected) << chunk;
  }
}

TEST_F(CleanupMessage, TextThatIsNoHeaderEndsTheHeaders) {
  to({"a@x.test"});
  run("Subject: x\nnot a header\nmore: x\n\nbody\n");
  const auto found = lines();
  ASSERT_EQ(found.size(), 9u);
  EXPECT_EQ(found[0], "N Subject: x");
  EXPECT_EQ(found[4], "N ");
  EXPECT_EQ(found[5], "N not a header");
  EXPECT_EQ(found[7], "N ");
}

TEST_F(CleanupMessage, MailboxDebrisAtTheTopIsRenamed) {
  to({"a@x.test"});
  run("Received: from x\n\tby y\n>From someone Mon Nov 23\nFrom z\nSubject: s\n\nx\n");
  EXPECT_EQ(lines()[2], "N X-Mailbox-Line: >From someone Mon Nov 23");
  EXPECT_EQ(lines()[3], "N X-Mailbox-Line: From z");
  EXPECT_EQ(lines()[4], "N Subject: s");
}

TEST_F(CleanupMessage, TextWithoutHeadersDoesNotContinueOurs) {
  to({"a@x.test"});
  run("Received: from x\n\tby y\n lead\nSubject: x\n\nbody\n");
  const auto found = lines();
  EXPECT_EQ(found[5], "N ");
  EXPECT_EQ(found[6], "N  lead");
  EXPECT_EQ(found[7], "N Subject: x");
}

TEST_F(CleanupMessage, HeadersAloneGetNoEmptyLine) {
  to({"a@x.test"});
  open.sender = "";
  run("Subject: x\n");
  EXPECT_EQ(lines().back(), "N From: MAILER-DAEMON");
}

TEST_F(CleanupMessage, ResentHeadersAreCompleted) {
  to({"a@x.test"});
  run("Resent-From: me@x.test\nTo: b\n\nb\n");
  const auto found = lines();
  EXPECT_EQ(found[1], "N To: b@example.test");
  EXPECT_THAT(found[2], HasSubstr("Resent-Message-Id: <"));
  EXPECT_THAT(found[3], HasSubstr("Resent-Date: "));
  EXPECT_EQ(found[4], "N ");
}

TEST_F(CleanupMessage, RemoteHeadersAreLeftAlone) {
  to({"a@x.test"});
  open.attributes = {{"rewrite_context", "remote"}};
  run("From: joe\nTo: b\n\nb\n");
  EXPECT_THAT(lines(), ElementsAre("N From: joe", "N To: b", "N ", "N b"));
}

TEST_F(CleanupMessage, FullNameBecomesAPhrase) {
  to({"a@x.test"});
  open.full_name = "Full \"N\" Name";
  run("Subject: x\n\n");
  EXPECT_EQ(lines()[3], "N From: \"Full \\\"N\\\" Name\" <s@virt.test>");
}

TEST_F(CleanupMessage, LongLinesAndStrayCr) {
  to({"a@x.test"});
  run("Subject: a\rb\n\n" + std::string(2048, 'x') + "\nbo\rdy\n");
  auto found = lines();
  EXPECT_EQ(found[0], "N Subject: a b");
  found.erase(found.begin(), found.begin() + 5);
  EXPECT_THAT(found, ElementsAre("L " + std::string(2048, 'x'), "N ", "N bo dy"));
}

TEST_F(CleanupMessage, LongHeadersAreCut) {
  to({"a@x.test"});
  settings.header_size_limit = 100;
  run("Subject: " + std::string(300, 'x') + "\nX: y\n\n", 10);
  EXPECT_EQ(lines()[0].size(), 102u);
  EXPECT_EQ(lines()[1], "N X: y");
}

TEST_F(CleanupMessage, LongHeadersThatComeAtOnceAreCut) {
  to({"a@x.test"});
  settings.header_size_limit = 100;
  run("Subject: " + std::string(300, 'x') + "\nX: y\n\n");
  EXPECT_EQ(lines()[0].size(), 102u);
}

TEST_F(CleanupMessage, AliasesAreExpandedOnce) {
  maps.virtual_alias = table_of({{"list@virt.test", "a@x.test, b@x.test, list@virt.test"},
                                 {"one@virt.test", "Two@virt.test"},
                                 {"two@virt.test", "c"},
                                 {"q@all.test", "@other.test"}});
  to({"list@virt.test", "one+zz@virt.test", "q@all.test"},
     queuefile::kNotifySuccess | queuefile::kNotifyFailure);
  to({"A@x.test", "a@X.test"}, queuefile::kNotifySuccess);
  run("Subject: x\n\n");
  EXPECT_THAT(records("R"), ElementsAre("R a@x.test", "R b@x.test", "R list@virt.test", "R c+zz@example.test",
                                        "R q@other.test", "R A@x.test"));
  EXPECT_EQ(neighbours.traces.size(), 3u);
  EXPECT_EQ(neighbours.traces[0].records[0].action, "expanded");
  EXPECT_EQ(records("A")[2], "A notify_flags=4");
}

TEST_F(CleanupMessage, AProbeOfAListEndsHere) {
  maps.virtual_alias = table_of({{"list@virt.test", "a@x.test, b@x.test"}});
  open.late_attributes = {{"trace_flags", "256"}};
  to({"list@virt.test"});
  EXPECT_EQ(run("Subject: probe\n\n").status, 0u);
  EXPECT_THAT(neighbours.verdicts, ElementsAre("list@virt.test: aliased to multiple recipients"));
  EXPECT_TRUE(files.all_paths().empty());
}

TEST_F(CleanupMessage, AliasLoopsAreDeferred) {
  maps.virtual_alias = table_of({{"a@x.test", "b@x.test"}, {"b@x.test", "a@x.test"}});
  to({"a@x.test"});
  const auto closed = run("Subject: x\n\n");
  EXPECT_EQ(closed.status, status::kDefer);
  EXPECT_EQ(closed.dsn, "4.6.0");
  EXPECT_EQ(closed.reason, "Alias expansion error");
  EXPECT_TRUE(files.all_paths().empty());
}

TEST_F(CleanupMessage, ExplosiveAliasesAreDeferred) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += fmt::format("u{}@x.test,", i);
  maps.virtual_alias = table_of({{"a@x.test", many}});
  settings.virtual_expansion_limit = 99;
  to({"a@x.test"});
  EXPECT_EQ(run("Subject: x\n\n").status, status::kDefer);
}

TEST_F(CleanupMessage, DeepAliasesAreDeferred) {
  maps.virtual_alias = table_of({{"a@x.test", "b@x.test"}, {"b@x.test", "c@x.test"}});
  settings.virtual_recursion_limit = 3;
  to({"a@x.test"});
  EXPECT_EQ(run("Subject: x\n\n").status, 0u);
  settings.virtual_recursion_limit = 2;
  EXPECT_EQ(run("Subject: x\n\n").status, status::kDefer);
}

TEST_F(CleanupMessage, AliasesToLongAddressesAreDeferred) {
  maps.virtual_alias = table_of({{"a@x.test", "b@x.test, longer@x.test"}});
  settings.virtual_address_length_limit = 13;
  to({"a@x.test"});
  EXPECT_EQ(run("Subject: x\n\n").status, 0u);
  settings.virtual_address_length_limit = 12;
  EXPECT_EQ(run("Subject: x\n\n").status, status::kDefer);
}

TEST_F(CleanupMessage, NoMoreRecipientsAreRememberedThanMayBe) {
  settings.duplicate_filter_limit = 1;
  to({"a@x.test", "a@x.test", "b@x.test", "b@x.test"});
  EXPECT_EQ(run("Subject: x\n\n").status, 0u);
  EXPECT_THAT(records("R"), ElementsAre("R a@x.test", "R b@x.test", "R b@x.test"));
}

TEST_F(CleanupMessage, ATableThatFailsRefusesTheMessage) {
  maps.virtual_alias = table_of({{"a@x.test", "FAIL"}});
  to({"a@x.test"});
  EXPECT_EQ(run("Subject: x\n\n").status, status::kWrite);
  EXPECT_TRUE(files.all_paths().empty());
}

TEST_F(CleanupMessage, ARewriteServiceThatFailsRefusesTheMessage) {
  neighbours.is_down = true;
  to({"joe"});
  EXPECT_EQ(run("Subject: x\n\n").status, status::kWrite);
  EXPECT_TRUE(neighbours.arrivals.empty());
}

TEST_F(CleanupMessage, CompleteAddressesNeedNoQuestion) {
  to({"a@x.test", "b@x.test"});
  run("From: a@b.c\nTo: x@y.z\n\n");
  EXPECT_EQ(neighbours.questions, 0);
}

TEST_F(CleanupMessage, CanonicalAndMasquerade) {
  maps.canonical = table_of({{"joe@example.test", "Joe.Doe@host.example.test"}});
  settings.masquerade_domains = {"example.test"};
  open.sender = "joe";
  to({"joe"});
  run("From: joe\nTo: joe\n\n");
  EXPECT_THAT(records("SR"), ElementsAre("S Joe.Doe@example.test", "R Joe.Doe@host.example.test"));
  EXPECT_EQ(lines()[0], "N From: Joe.Doe@example.test");
}

TEST_F(CleanupMessage, CopiesAreNeverBounced) {
  maps.sender_bcc = table_of({{"s@virt.test", "sb@x.test"}});
  maps.recipient_bcc = table_of({{"a@x.test", "rb@x.test"}});
  settings.always_bcc = "ab";
  settings.delay_warning_time = std::chrono::hours(4);
  to({"a@x.test"});
  run("Subject: x\n\n");
  EXPECT_THAT(records("WORMX"), ElementsAre("W      1795542161", "O sb@x.test", "R sb@x.test", "O a@x.test",
                                            "R a@x.test", "O rb@x.test", "R rb@x.test", "M ", "X ",
                                            "O ab@example.test", "R ab@example.test"));
}

TEST_F(CleanupMessage, RecipientsFromTheContentComeLast) {
  late_recipients = {{.original = "b@x.test", .address = "b@x.test"}};
  EXPECT_EQ(run("To: b@x.test\n\n").status, 0u);
  EXPECT_THAT(records("RMXE"), ElementsAre("M ", "X ", "R b@x.test", "E "));
}

TEST_F(CleanupMessage, RefusesMailWithoutRecipients) {
  EXPECT_EQ(run("Subject: x\n\n").status, status::kRecipients);
  EXPECT_TRUE(files.all_paths().empty());
}

TEST_F(CleanupMessage, RefusesLoopsAndLargeMail) {
  to({"a@x.test"});
  std::string hops;
  for (int i = 0; i < 50; ++i) hops += "Received: x\n";
  EXPECT_EQ(run(hops + "\n").status, status::kHops);
  settings.message_size_limit = 1000;
  EXPECT_EQ(run("Subject: x\n\n" + std::string(1000, 'x')).status, status::kSize);
  open.flags |= flag::kInternal;
  EXPECT_EQ(run("Subject: x\n\n" + std::string(1000, 'x')).status, 0u);
}

TEST_F(CleanupMessage, BouncesByItselfWhenAsked) {
  to({"a@x.test"});
  open.flags |= flag::kBounce;
  settings.message_size_limit = 1000;
  EXPECT_EQ(run("Subject: x\n\n" + std::string(1000, 'x')).status, 0u);
  ASSERT_EQ(neighbours.bounces.size(), 1u);
  EXPECT_EQ(neighbours.bounces[0].records[0].status, "5.3.4");
  EXPECT_TRUE(files.all_paths().empty());
  neighbours.may_bounce = false;
  EXPECT_EQ(run("Subject: x\n\n" + std::string(1000, 'x')).status, status::kSize);
}

TEST_F(CleanupMessage, HoldAndDiscard) {
  to({"a@x.test"});
  close.extra_flags = flag::kHold;
  const auto held = run("Subject: x\n\n");
  EXPECT_THAT(files.all_paths(), ElementsAre("hold/" + held.queue_id));
  EXPECT_TRUE(neighbours.arrivals.empty());
  files = queuefile::FaultFileSystem();
  close.extra_flags = flag::kDiscard;
  EXPECT_EQ(run("Subject: x\n\n").status, 0u);
  EXPECT_TRUE(files.all_paths().empty());
}

TEST_F(CleanupMessage, RedirectFilterAndCopies) {
  to({"a@x.test"});
  close.redirect = "r@x.test";
  close.filter = "smtp:[127.0.0.1]:25";
  close.bcc = {"c@x.test"};
  run("Content-Transfer-Encoding: 8bit\n\n");
  auto found = records("XL>ARE");
  found.erase(found.begin(), std::ranges::find(found, "X "));
  EXPECT_THAT(found, ElementsAre("X ", "L smtp:[127.0.0.1]:25", "> r@x.test", "A encoding=8bit",
                                 "A notify_flags=1", "R c@x.test", "E "));
}

TEST_F(CleanupMessage, NoFailedCallLosesOrKeepsAMessage) {
  to({"a@x.test"});
  for (int call = 1;; ++call) {
    files = queuefile::FaultFileSystem();
    files.fail_at(call, ENOSPC);
    neighbours.arrivals.clear();
    const auto closed = run("Subject: x\n\nbody\n");
    if (files.calls() < call) break;
    EXPECT_EQ(closed.status, status::kWrite) << call;
    EXPECT_TRUE(files.all_paths().empty()) << call;
    EXPECT_TRUE(neighbours.arrivals.empty());
  }
}

TEST_F(CleanupMessage, NoPowerCutLosesAcceptedMail) {
  to({"a@x.test"});
  for (int cut_at = 1;; ++cut_at) {
    files = queuefile::FaultFileSystem(cut_at);
    const bool accepted = run("Subject: x\n\nbody\n").status == 0;
    const auto rebooted = files.after_reboot();
    if (accepted) {
      ASSERT_EQ(rebooted->all_paths().size(), 1u) << "power cut at step " << cut_at;
      EXPECT_TRUE(rebooted->status(rebooted->all_paths()[0])->is_ready());
    }
    if (!files.was_cut()) break;
  }
}

}  // namespace
}  // namespace posthouse::cleanup
