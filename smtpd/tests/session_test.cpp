// Whole sessions over a socket pair, with fake neighbours.
#include "smtpd/session.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "lib/runtime/fiber.h"
#include "lib/service/service.h"
#include "smtpd/client_names.h"
#include "smtpd/rbl.h"

namespace posthouse::smtpd {
namespace {

class FakeDns : public dns::Lookups {
 public:
  dns::Reply query(std::string_view name, dns::Type type, Deadline) override {
    dns::Reply reply;
    reply.name = name;
    reply.type = type;
    const auto found = answers.find(fmt::format("{}/{}", name, dns::name_of(type)));
    reply.outcome = found == answers.end() ? dns::Outcome::no_host : dns::Outcome::found;
    if (found != answers.end()) {
      reply.records.push_back({.name = std::string(name), .type = type, .value = found->second});
    }
    return reply;
  }
  std::map<std::string, std::string> answers;
};

// Plays cleanup at the other end of a socket pair.
struct FakeCleanup {
  std::string content;
  std::vector<std::string> recipients;
  std::uint32_t status = 0;
  int messages = 0;

  void serve(ipc::Connection& connection) {
    while (auto frame = connection.receive(kNever)) {
      if (frame->is<ipc::CleanupOpen>()) {
        content.clear();
        recipients.clear();
        connection.send(ipc::CleanupOpened{.queue_id = "ABC123"});
      } else if (auto more = frame->as<ipc::CleanupRecipients>()) {
        for (const auto& recipient : more->recipients) recipients.push_back(recipient.address);
      } else if (auto chunk = frame->as<ipc::CleanupContent>()) {
        content += chunk->chunk;
      } else if (frame->is<ipc::CleanupClose>()) {
        ++messages;
        connection.send(ipc::CleanupClosed{.status = status, .queue_id = "ABC123"});
      }
      if (!connection.flush(kNever)) break;
    }
  }
};

class FakeNeighbours : public Neighbours {
 public:
  Result<ipc::Resolved> resolve(std::string_view, std::string_view address) override {
    using ipc::AddressClass;
    ipc::Resolved resolved;
    resolved.recipient = address;
    resolved.transport = "virtual";
    resolved.is_routed = address.find('%') != std::string_view::npos;
    if (address.ends_with("@virt.test")) resolved.address_class = AddressClass::virtual_mailbox;
    if (address.ends_with("@relay.test")) resolved.address_class = AddressClass::relay;
    if (address.ends_with("@broken.test")) resolved.status = ipc::Resolved::Status::temporary;
    return resolved;
  }
  Result<ipc::VerifyReply> verify(std::string_view address) override {
    ipc::VerifyReply reply;
    reply.status =
        address.starts_with("b@") ? ipc::VerifyStatus::deliverable : ipc::VerifyStatus::undeliverable;
    reply.text = "no such user";
    return reply;
  }
  Result<bool> flush_site(std::string_view) override { return true; }
  Result<ipc::Connection> take_cleanup(Deadline) override {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return fail(Failure::system("socketpair", errno));
    runtime::spawn([this, fd = ends[1]] {
      ipc::Connection connection{runtime::Stream(UniqueFd(fd))};
      cleanup.serve(connection);
    });
    return ipc::Connection(runtime::Stream(UniqueFd(ends[0])));
  }
  void give_back_cleanup(ipc::Connection) override {}
  dns::Lookups& dns() override { return names; }
  Result<std::string> submit(const peers::Outgoing& mail) override {
    submitted.push_back(mail);
    if (refuses_mail) return fail(Failure::deferred("4.3.0", "no cleanup"));
    return "N0T1CE";
  }

  FakeCleanup cleanup;
  FakeDns names;
  std::vector<peers::Outgoing> submitted;
  bool refuses_mail = false;
};

Result<std::shared_ptr<Settings>> load_text(const std::string& text) {
  service::Environment environment;
  environment.queue_directory = ".";
  auto main_cf = config::MainCf::parse(text, "main.cf");
  if (!main_cf) return fail(Failure::deferred("4.3.5", "main.cf"));
  environment.main_cf = std::make_shared<const config::MainCf>(std::move(*main_cf));
  return load_settings(environment);
}

class Talk {
 public:
  explicit Talk(const std::string& main_cf = "", std::string address = "127.0.0.1")
      : address_(std::move(address)) {
    auto settings = load_text(
        "myhostname = mx.example.test\nmydestination = example.test\nmynetworks = 127.0.0.0/8\n"
        "compatibility_level = 3.6\nlocal_recipient_maps =\n"
        "virtual_mailbox_maps = inline:{b@virt.test=x,c@virt.test=x}\n"
        "smtpd_error_sleep_time = 0\nfast_flush_domains = flush.test\ninet_interfaces = 127.0.0.1\n" +
        main_cf);
    EXPECT_TRUE(settings.has_value()) << (settings ? "" : settings.error().text);
    if (settings) settings_ = *settings;
  }

  // Sends all input at once; returns all that came back until the server closed.
  std::string say(const std::string& input) {
    std::string output;
    if (!settings_) return output;
    runtime::run([&] {
      int ends[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return runtime::stop();
      runtime::spawn([&, fd = ends[0]] {
        const Client client{.name = "client.test",
                            .reverse_name = "client.test",
                            .name_status = NameStatus::ok,
                            .reverse_name_status = NameStatus::ok,
                            .address = address_,
                            .port = "1234",
                            .family = AF_INET};
        Session session(settings_, neighbours, runtime::Stream(UniqueFd(fd)), client);
        session.run();
      });
      runtime::Stream peer{UniqueFd(ends[1])};
      peer.write(input);
      peer.flush(kNever);
      peer.shutdown_write();
      while (peer.fill(deadline_after(std::chrono::seconds(20))) == runtime::Io::ok) {
        output += peer.buffered();
        peer.consume(peer.buffered().size());
      }
      runtime::stop();
    });
    return output;
  }

  FakeNeighbours neighbours;

 private:
  std::shared_ptr<Settings> settings_;
  std::string address_;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const std::string kMessage = "EHLO x\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<b@virt.test>\r\nDATA\r\n";

TEST(Session, AcceptsAMessageOnlyWithCleanupsWord) {
  Talk talk;
  const std::string output = talk.say(kMessage + "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
  EXPECT_TRUE(has(output, "250 2.0.0 Ok: queued as ABC123\r\n221 2.0.0 Bye\r\n")) << output;
  const FakeCleanup& cleanup = talk.neighbours.cleanup;
  EXPECT_EQ(cleanup.messages, 1);
  EXPECT_EQ(cleanup.recipients, std::vector<std::string>{"b@virt.test"});
  EXPECT_TRUE(has(cleanup.content, "for <b@virt.test>; ")) << cleanup.content;
  EXPECT_TRUE(cleanup.content.ends_with("\nSubject: x\n\n.dot\n")) << cleanup.content;
}

TEST(Session, RefusesWithCleanupsReason) {
  Talk talk;
  talk.neighbours.cleanup.status = ipc::cleanup_status::kHops;
  EXPECT_TRUE(has(talk.say(kMessage + "\r\n.\r\n"), "554 5.4.0 Error: too many hops"));
}

TEST(Session, AnUnfinishedMessageIsNotQueued) {
  Talk talk;
  talk.say(kMessage + "half");
  EXPECT_EQ(talk.neighbours.cleanup.messages, 0);
}

TEST(Session, StrangersMayNotRelay) {
  Talk talk("", "192.0.2.1");
  const std::string output = talk.say(
      "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<x@elsewhere.test>\r\nRCPT TO:<b@virt.test>\r\n"
      "RCPT TO:<x%elsewhere.test@relay.test>\r\nRCPT TO:<x@broken.test>\r\n");
  EXPECT_TRUE(has(output,
                  "454 4.7.1 <x@elsewhere.test>: Relay access denied\r\n250 2.1.5 Ok\r\n"
                  "454 4.7.1 <x%elsewhere.test@relay.test>: Relay access denied\r\n"
                  "451 4.3.0 <x@broken.test>: Temporary lookup failure\r\n"))
      << output;
}

TEST(Session, UnknownUsersAreRefused) {
  Talk talk;
  EXPECT_TRUE(
      has(talk.say("MAIL FROM:<>\r\nRCPT TO:<nobody@virt.test>\r\n"),
          "550 5.1.1 <nobody@virt.test>: Recipient address rejected: User unknown in virtual mailbox table"));
}

TEST(Session, NoSecondMessageIsSmuggledBehindABareNewline) {
  Talk talk("smtpd_forbid_bare_newline_exclusions =\n");
  talk.say(kMessage + "x\n.\nMAIL FROM:<evil@client.test>\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(talk.neighbours.cleanup.messages, 1);
  EXPECT_TRUE(has(talk.neighbours.cleanup.content, "MAIL FROM:<evil"));
}

TEST(Session, TheEndOfAMessageEndsTheTransaction) {
  Talk talk;
  const std::string output = talk.say(kMessage + ".\r\nRCPT TO:<b@virt.test>\r\nDATA\r\n");
  EXPECT_TRUE(has(output, "503 5.5.1 Error: need MAIL command\r\n503 5.5.1 Error: need RCPT command"))
      << output;
}

TEST(Session, ARefusalAtTheEndOfDataEndsTheTransaction) {
  Talk talk("smtpd_end_of_data_restrictions = reject\n");
  const std::string output = talk.say(kMessage + "x\r\n.\r\nRCPT TO:<b@virt.test>\r\nDATA\r\n");
  EXPECT_TRUE(has(output,
                  "554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied\r\n"
                  "503 5.5.1 Error: need MAIL command\r\n503 5.5.1 Error: need RCPT command"))
      << output;
  EXPECT_EQ(talk.neighbours.cleanup.messages, 0);
}

TEST(Session, TooManyErrorsEndIt) {
  Talk talk("smtpd_hard_error_limit = 3\n");
  const std::string output = talk.say("FOO\r\nFOO\r\nFOO\r\nFOO\r\n");
  EXPECT_TRUE(output.ends_with("421 4.7.0 mx.example.test Error: too many errors\r\n")) << output;
}

TEST(Session, TooLargeMessagesAreReadToTheirEndAndRefused) {
  Talk talk("message_size_limit = 1000\n");
  const std::string output = talk.say(kMessage + std::string(5000, 'x') + "\r\n.\r\nNOOP\r\n");
  EXPECT_TRUE(has(output, "552 5.3.4 Error: message file too big\r\n250 2.0.0 Ok\r\n")) << output;
  EXPECT_EQ(talk.neighbours.cleanup.messages, 0);
}

TEST(Session, AccessTablesDecide) {
  Talk talk(
      "smtpd_sender_restrictions = check_sender_access inline:{ {a@client.test=REJECT go away}, "
      "{p@client.test=PREPEND X-Seen: yes}, {d@client.test=DEFER_IF_PERMIT}, {c@client.test=421 4.7.2 bye}, "
      "{l@client.test=reject_unauth_destination, reject} }\n");
  const auto mail = [&](const std::string& from) {
    return talk.say("MAIL FROM:<" + from + "@client.test>\r\nRCPT TO:<b@virt.test>\r\nNOOP\r\n");
  };
  EXPECT_TRUE(has(mail("a"), "554 5.7.1 <a@client.test>: Sender address rejected: go away"));
  EXPECT_TRUE(has(mail("d"), "450 4.7.1 <d@client.test>: Sender address rejected: Service unavailable"));
  EXPECT_TRUE(has(mail("l"), "554 5.7.1 <l@client.test>: Sender address rejected: Access denied"));
  EXPECT_TRUE(mail("c").ends_with("421 4.7.2 <c@client.test>: Sender address rejected: bye\r\n"));
  talk.say("MAIL FROM:<p@client.test>\r\nRCPT TO:<b@virt.test>\r\nDATA\r\nx\r\n.\r\n");
  EXPECT_TRUE(talk.neighbours.cleanup.content.starts_with("X-Seen: yes\nReceived: "));
}

TEST(Session, WarnIfRejectOnlyWarns) {
  Talk talk(
      "smtpd_recipient_restrictions = warn_if_reject reject_non_fqdn_recipient, "
      "reject_unverified_recipient\n");
  const std::string output = talk.say("MAIL FROM:<>\r\nRCPT TO:<b@virt.test>\r\nRCPT TO:<c@virt.test>\r\n");
  EXPECT_TRUE(has(output,
                  "250 2.1.5 Ok\r\n450 4.1.1 <c@virt.test>: Recipient address rejected: unverified address: "
                  "no such user"))
      << output;
}

TEST(Session, RblAnswersWithItsReason) {
  Talk talk("smtpd_client_restrictions = reject_rbl_client rbl.test=127.0.0.[2..4]\n", "192.0.2.7");
  const std::string mail = "MAIL FROM:<>\r\nRCPT TO:<b@virt.test>\r\n";
  talk.neighbours.names.answers = {{"7.2.0.192.rbl.test/A", "127.0.0.3"}, {"7.2.0.192.rbl.test/TXT", "spam"}};
  const std::string output = talk.say(mail);
  EXPECT_TRUE(
      has(output, "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using rbl.test; spam"))
      << output;
  talk.neighbours.names.answers = {{"7.2.0.192.rbl.test/A", "127.0.0.9"}};
  EXPECT_TRUE(has(talk.say(mail), "250 2.1.5 Ok"));
}

TEST(Session, AnAllowListDoesNotOpenTheRelay) {
  Talk talk("smtpd_relay_restrictions = permit_dnswl_client wl.test, reject_unauth_destination\n",
            "192.0.2.7");
  talk.neighbours.names.answers = {{"7.2.0.192.wl.test/A", "127.0.0.2"}};
  const std::string output =
      talk.say("MAIL FROM:<>\r\nRCPT TO:<x@elsewhere.test>\r\nRCPT TO:<b@virt.test>\r\n");
  EXPECT_TRUE(has(output, "554 5.7.1 <x@elsewhere.test>: Relay access denied\r\n250 2.1.5 Ok")) << output;
}

TEST(Session, HostsThatAStrangerNamesPermitNothing) {
  Talk talk(
      "smtpd_relay_restrictions = check_sender_mx_access inline:{mail.x.test=OK}, "
      "reject_unauth_destination\n",
      "192.0.2.7");
  talk.neighbours.names.answers = {{"x.test/MX", "mail.x.test"}};
  const std::string output = talk.say("MAIL FROM:<a@x.test>\r\nRCPT TO:<x@elsewhere.test>\r\n");
  EXPECT_TRUE(has(output, "451 4.3.5 Server configuration error")) << output;
}

TEST(Session, NetworksThatNobodyKnowsRefuseForNow) {
  Talk talk("mynetworks = fail:x\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n");
  const std::string output = talk.say("MAIL FROM:<>\r\nRCPT TO:<x@elsewhere.test>\r\n");
  EXPECT_TRUE(has(output, "451 4.3.0 <x@elsewhere.test>: Temporary lookup failure")) << output;
}

TEST(Session, TheOnlyRecipientIsKnownAtData) {
  Talk talk("smtpd_data_restrictions = check_recipient_access inline:{b@virt.test=REJECT}\n");
  const std::string one = "MAIL FROM:<a@b.test>\r\nRCPT TO:<b@virt.test>\r\n";
  EXPECT_TRUE(has(talk.say(one + "DATA\r\n"), "554 5.7.1 <b@virt.test>: Recipient address rejected"));
  EXPECT_TRUE(has(talk.say(one + "RCPT TO:<c@virt.test>\r\nDATA\r\n"), "\r\n354 "));
}

TEST(Session, ListsAreAskedAboutReversedNibblesOfIpv6) {
  EXPECT_EQ(reversed_address("2001:db8::1"),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2");
}

TEST(Session, BdatChunksMakeOneMessage) {
  Talk talk;
  const std::string output = talk.say(
      "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<b@virt.test>\r\nBDAT 3\r\na\r\nRCPT TO:<c@virt.test>\r\n"
      "BDAT 3 LAST\r\nb\r\n");
  EXPECT_TRUE(has(output,
                  "250 2.0.0 Ok: 3 bytes\r\n503 5.5.1 Error: RCPT after BDAT\r\n"
                  "250 2.0.0 Ok: 6 bytes queued as ABC123"))
      << output;
  EXPECT_TRUE(talk.neighbours.cleanup.content.ends_with("\na\nb\n")) << talk.neighbours.cleanup.content;
}

TEST(Session, AfterABadBdatTheOtherChunksAreDropped) {
  Talk talk;
  const std::string output =
      talk.say("MAIL FROM:<a@b.test>\r\nBDAT 2\r\nxyBDAT 1 LAST\r\nzDATA\r\nMAIL FROM:<a@b.test>\r\n");
  EXPECT_TRUE(has(output,
                  "250 2.1.0 Ok\r\n554 5.5.1 Error: no valid recipients\r\n"
                  "551 5.0.0 Discarded 1 bytes after earlier error\r\n503 5.5.1 Error: need RCPT command\r\n"
                  "250 2.1.0 Ok\r\n"))
      << output;
}

TEST(Session, ChunksWithoutMailAreDroppedToTheLastOne) {
  Talk talk;
  const std::string output = talk.say(
      "BDAT 4\r\nabc\nMAIL FROM:<a@b.test>\r\nDATA\r\nBDAT 0\r\nBDAT 1 LAST\r\nzMAIL FROM:<a@b.test>\r\n");
  EXPECT_TRUE(has(output,
                  "503 5.5.1 Error: need RCPT command\r\n503 5.5.1 Error: MAIL after BDAT\r\n"
                  "503 5.5.1 Error: DATA after BDAT\r\n551 5.7.1 Null BDAT request\r\n"
                  "551 5.0.0 Discarded 1 bytes after earlier error\r\n250 2.1.0 Ok\r\n"))
      << output;
}

TEST(Session, PostmasterAndTheSenderOfProbesAreAlwaysWelcome) {
  Talk talk("smtpd_client_restrictions = reject\naddress_verify_sender = prober@b.test\n", "192.0.2.1");
  const std::string output = talk.say(
      "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<Postmaster>\r\nRCPT TO:<PROBER@b.test>\r\n"
      "RCPT TO:<prober2@b.test>\r\nRCPT TO:<postmaster@b.test>\r\n");
  EXPECT_TRUE(has(output, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n554 5.7.1 ")) << output;
  EXPECT_EQ(talk.neighbours.cleanup.messages, 0);
}

TEST(Session, ParametersMayNotBeGivenTwice) {
  Talk talk;
  const std::string output = talk.say(
      "EHLO x\r\nMAIL FROM:<a@b.test> RET=FULL RET=FULL\r\nMAIL FROM:<a@b.test> ENVID=x ENVID=x\r\n"
      "MAIL FROM:<a@b.test>\r\nRCPT TO:<b@virt.test> NOTIFY=NEVER NOTIFY=NEVER\r\n"
      "RCPT TO:<b@virt.test> ORCPT=x;y ORCPT=x;y\r\n");
  EXPECT_TRUE(
      has(output,
          "501 5.5.4 Bad RET parameter syntax\r\n501 5.5.4 Bad ENVID parameter syntax\r\n250 2.1.0 Ok\r\n"
          "501 5.5.4 Error: Bad NOTIFY parameter syntax\r\n501 5.5.4 Error: Bad ORCPT parameter syntax\r\n"))
      << output;
}

TEST(Settings, AnOpenRelayDoesNotStart) {
  const auto settings = load_text(
      "myhostname = a.test\nsmtpd_relay_restrictions = permit\nsmtpd_recipient_restrictions = permit, "
      "reject\n");
  ASSERT_FALSE(settings);
  EXPECT_TRUE(has(settings.error().text, "specify at least one working instance of"));
}

TEST(Settings, AllMistakesAreReported) {
  const auto settings = load_text(
      "myhostname = a.test\nsmtpd_client_restrictions = foo\nsmtpd_data_restrictions = sleep x\n"
      "smtpd_helo_restrictions = check_helo_access\n");
  ASSERT_FALSE(settings);
  for (const char* text :
       {"unknown smtpd restriction: \"foo\"", "sleep: bad time: x", "check_helo_access needs an argument"}) {
    EXPECT_TRUE(has(settings.error().text, text)) << settings.error().text;
  }
}

TEST(ClientNames, PtrMustLeadBack) {
  FakeDns dns;
  dns.answers = {{"7.2.0.192.in-addr.arpa/PTR", "mail.test"}, {"mail.test/A", "192.0.2.8"}};
  ClientNames names(HostsFile::parse("127.0.0.1 localhost # here\n"), dns);
  Client client{.address = "192.0.2.7"};
  names.look_up(client, kNever);
  EXPECT_EQ(client.name, "unknown");
  EXPECT_EQ(client.reverse_name, "mail.test");
  EXPECT_EQ(client.name_status, NameStatus::forged);
  Client local{.address = "127.0.0.1"};
  names.look_up(local, kNever);
  EXPECT_EQ(local.name, "localhost");
}

TEST(RblDomain, PatternsHaveRangesAndLists) {
  const auto list = RblDomain::parse("d.test=127.0.[0;2].[1..3;9];127.1.1.1");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->matches("127.0.2.9"));
  EXPECT_TRUE(list->matches("127.1.1.1"));
  EXPECT_FALSE(list->matches("127.0.1.1"));
  EXPECT_FALSE(list->matches("127.0.0.4"));
  EXPECT_FALSE(RblDomain::parse("d.test=127.0.0"));
}

constexpr std::string_view kUnknownCommand = "EHLO x\r\nFOO \x01\r\nQUIT\r\n";

TEST(SessionNotice, OfAnErrorOfAClassThatIsOnHasTheTranscript) {
  Talk talk("notify_classes = protocol\nerror_notice_recipient = chief@virt.test\n");
  talk.say(std::string(kUnknownCommand));
  ASSERT_EQ(talk.neighbours.submitted.size(), 1U);
  const peers::Outgoing& mail = talk.neighbours.submitted[0];
  EXPECT_EQ(mail.sender, "double-bounce@mx.example.test");
  EXPECT_EQ(mail.recipient, "chief@virt.test");
  EXPECT_TRUE(has(mail.content,
                  "\nSubject: Posthouse SMTP server: errors from client.test[127.0.0.1]\n\n"
                  "Transcript of session follows.\n\n Out: 220 mx.example.test ESMTP "))
      << mail.content;
  EXPECT_TRUE(has(mail.content, "\n In:  EHLO x\n Out: 250-mx.example.test\n Out: 250-PIPELINING\n"));
  EXPECT_TRUE(has(mail.content,
                  "\n In:  FOO ?\n Out: 500 5.5.2 Error: command not recognized\n In:  QUIT\n"
                  " Out: 221 2.0.0 Bye\n\n\nFor other details, see the local mail logfile\n"))
      << mail.content;
}

TEST(SessionNotice, OfAnErrorOfAnotherClassIsNotSent) {
  Talk talk;  // resource, software
  talk.say(std::string(kUnknownCommand));
  EXPECT_TRUE(talk.neighbours.submitted.empty());
}

TEST(SessionNotice, SaysWhyTheSessionEnded) {
  Talk talk("notify_classes = protocol\n");
  talk.say("EHLO x\r\nFOO\r\n");
  ASSERT_EQ(talk.neighbours.submitted.size(), 1U);
  EXPECT_TRUE(has(talk.neighbours.submitted[0].content,
                  "not recognized\n\nSession aborted, reason: lost connection\n\n"))
      << talk.neighbours.submitted[0].content;
}

TEST(SessionNotice, AMessageThatIsTakenMakesUpForEarlierErrors) {
  Talk talk("notify_classes = policy protocol\n");
  talk.say("FOO\r\n" + kMessage + "x\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(talk.neighbours.cleanup.messages, 1);
  EXPECT_TRUE(talk.neighbours.submitted.empty());
}

TEST(SessionNotice, ALongRecordStartsAnewAtRset) {
  Talk talk("notify_classes = protocol\nsmtpd_history_flush_threshold = 5\n");
  talk.say("HELO x\r\nFOO\r\nNOOP\r\nRSET\r\nBAR\r\nQUIT\r\n");
  ASSERT_EQ(talk.neighbours.submitted.size(), 2U);
  const std::string& first = talk.neighbours.submitted[0].content;
  const std::string& second = talk.neighbours.submitted[1].content;
  EXPECT_TRUE(has(first, " In:  FOO\n")) << first;
  EXPECT_TRUE(has(first, " In:  RSET\n\n\nFor other")) << first;
  EXPECT_TRUE(has(second, "follows.\n\n Out: 250 2.0.0 Ok\n In:  BAR\n")) << second;
}

TEST(SessionNotice, ClassesFollowTheReply) {
  struct Case {
    std::string_view name, commands, settings;
  };
  const Case cases[] = {
      {"policy", "MAIL FROM:<>\r\nRCPT TO:<x@elsewhere.test>\r\n", "mynetworks = 192.0.2.0/24\n"},
      {"policy", "MAIL FROM:<> SIZE=99999999999\r\n", ""},
      {"policy", "EHLO x\r\n", "smtpd_delay_reject = no\nsmtpd_client_restrictions = reject\n"},
      {"bounce", "MAIL FROM:<>\r\nRCPT TO:<nobody@virt.test>\r\n", ""},
      {"protocol", "RCPT TO:<b@virt.test>\r\n", ""},
      {"protocol", "\r\n", ""},
      {"resource", "MAIL FROM:<>\r\n", "queue_minfree = 9000000000000000\n"},
      {"software", "MAIL FROM:<>\r\nRCPT TO:<b@virt.test>\r\n",
       "smtpd_recipient_restrictions = check_recipient_access inline:{b@virt.test=nonsense}, "
       "reject_unauth_destination\n"},
      {"data", "MAIL FROM:<>\r\nRCPT TO:<x@broken.test>\r\n", ""},
      {"none", "MAIL FROM:<>\r\nDATA\r\n", ""},
      {"none", "NOOP\r\n", ""},
  };
  for (const std::string_view on : {"bounce", "policy", "protocol", "resource", "software", "data"}) {
    for (const Case& one : cases) {
      Talk talk(fmt::format("notify_classes = {}\n{}", on, one.settings));
      const std::string output = talk.say(fmt::format("{}QUIT\r\n", one.commands));
      EXPECT_EQ(talk.neighbours.submitted.size(), on == one.name ? 1U : 0U) << on << ": " << output;
    }
  }
}

TEST(SessionNotice, CleanupsVerdictHasItsClass) {
  namespace status = ipc::cleanup_status;
  const std::pair<std::uint32_t, std::string> verdicts[] = {{status::kWrite, "resource"},
                                                            {status::kBad, "software"},
                                                            {status::kContent, "policy"},
                                                            {status::kHops, "bounce"},
                                                            {status::kSize, "bounce"}};
  for (const auto& [bits, name] : verdicts) {
    Talk talk(fmt::format("notify_classes = {}\n", name));
    talk.neighbours.cleanup.status = bits;
    talk.say(kMessage + "x\r\n.\r\nQUIT\r\n");
    EXPECT_EQ(talk.neighbours.submitted.size(), 1U) << name;
  }
}

TEST(SessionNotice, ThatCannotBeSentDoesNotHurtTheSession) {
  Talk talk("notify_classes = protocol\nsmtpd_history_flush_threshold = 1\n");
  talk.neighbours.refuses_mail = true;
  const std::string output = talk.say("FOO\r\nRSET\r\nQUIT\r\n");
  EXPECT_TRUE(has(output, "250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n")) << output;
  EXPECT_EQ(talk.neighbours.submitted.size(), 1U);
}

}  // namespace
}  // namespace posthouse::smtpd
