"""notify_classes: the postmaster gets the transcript of a session in which something went wrong."""
import re

import pytest

from harness.message import make
from harness.peer import Peer

ENVELOPE = ("MAIL FROM:<a@client.test>", "RCPT TO:<alice@virt.test>")
ACCESS = "smtpd_recipient_restrictions=check_recipient_access inline:{{alice@virt.test={}}}, reject_unauth_destination"
# class: (settings of the listener, commands, the reply to the last of them)
CASES = {
    "policy": ([ACCESS.format("reject")], ENVELOPE, "554 5.7.1 <alice@virt.test>: Recipient address rejected: Access denied"),
    "protocol": ([], ("FOO",), "500 5.5.2 Error: command not recognized"),
    "resource": (["queue_minfree=9000000000000000"], ENVELOPE[:1], "452 4.3.1 Insufficient system storage"),
    "software": ([ACCESS.format("nonsense")], ENVELOPE, "451 4.3.5 Server configuration error"),
    "data": (["virtual_mailbox_maps=fail:x"], ENVELOPE, "451 4.3.0 <alice@virt.test>: Temporary lookup failure"),
    "bounce": ([], (ENVELOPE[0], "RCPT TO:<x@virt.test>"),
               "550 5.1.1 <x@virt.test>: Recipient address rejected: User unknown in virtual mailbox table"),
}


def listen(mta, name):
    """A listener whose sessions can have trouble of this class."""
    return mta.smtpd_service(None, *CASES[name][0])


def fall_into(mta, port, name):
    """A session with trouble of this class; what was said, as the notice shows it."""
    with mta.peer(port) as peer:
        said = [f" Out: {peer.greeting.text}", " In:  EHLO client.test", *(f" Out: {line}" for line in peer.ehlo.lines)]
        for command in (*CASES[name][1], "QUIT"):
            reply = peer.command(command)
            said += [f" In:  {command}", f" Out: {reply.text}"]
        assert said[-3] == f" Out: {CASES[name][2]}"
    return said


def lines_of(notice):
    """Of a transcript, with folded lines joined."""
    text = re.sub(r"\n     (?=\S)", " ", notice.get_payload())
    return [line for line in text.splitlines() if line.startswith((" In: ", " Out: "))]


@pytest.mark.parametrize("name", CASES)
def test_the_server_reports_each_class(mta, name):
    port = listen(mta, name)
    mta.start(notify_classes=name, error_notice_recipient="bob@virt.test", bounce_notice_recipient="bob@virt.test",
              mail_name="Mailer")
    said = fall_into(mta, port, name)
    [notice] = mta.maildir("bob").wait_parsed()
    assert notice["Return-Path"] == f"<double-bounce@{mta.hostname}>"
    assert notice["From"] == f"Mail Delivery System <MAILER-DAEMON@{mta.hostname}>"
    assert notice["To"] == "Postmaster <bob@virt.test>"
    assert re.fullmatch(r"Mailer SMTP server: errors from \S+\[127\.0\.0\.1\]", notice["Subject"])
    assert notice["Message-Id"] and notice["Date"]
    assert notice.get_payload().startswith("Transcript of session follows.\n\n Out: 220 ")
    assert notice.get_payload().endswith("\n\n\nFor other details, see the local mail logfile\n")
    assert lines_of(notice) == said
    mta.wait_empty()
    queue_id = mta.log.wait(rf"^(\w+): from=<double-bounce@{mta.hostname}>, size=\d+, nrcpt=1", process="qmgr")[1]
    mta.log.wait(rf"^{queue_id}: message-id=<\S+>$", process="cleanup")


def test_by_default_only_our_own_trouble_is_reported(mta):
    ports = {name: listen(mta, name) for name in ("policy", "protocol", "bounce", "data", "resource")}
    mta.start(error_notice_recipient="bob@virt.test", bounce_notice_recipient="bob@virt.test")
    said = [fall_into(mta, port, name) for name, port in ports.items()]
    [notice] = mta.maildir("bob").wait_parsed()
    assert lines_of(notice) == said[-1]
    mta.wait_empty()
    assert len(mta.maildir("bob").files()) == 1


def test_a_session_that_breaks_off_is_reported_too(mta):
    mta.start(notify_classes="protocol", error_notice_recipient="bob@virt.test")
    with mta.peer() as peer:
        peer.command("FOO", 500)
    [notice] = mta.maildir("bob").wait_parsed()
    assert "\n\nSession aborted, reason: lost connection\n\nFor other details" in notice.get_payload()


def test_a_message_that_is_taken_makes_up_for_earlier_errors(mta):
    mta.start(notify_classes="protocol", error_notice_recipient="bob@virt.test")
    with mta.peer() as peer:
        peer.command("FOO", 500)
        peer.deliver("alice@virt.test")
        peer.quit()
    mta.log.wait(r"disconnect from .* unknown=0/1")
    mta.wait_empty()
    assert not mta.maildir("bob").files()


def test_what_the_client_sends_cannot_spoil_the_notice(mta):
    mta.start(notify_classes="protocol", error_notice_recipient="bob@virt.test")
    with Peer(("127.0.0.1", mta.port)) as peer:
        peer.send(b"FOO \x1b[2J\x00\x7f\tx\r\n")
        peer.expect(500)
        peer.command("FOO " + "x" * 1500, 500)
        peer.quit()
    [notice] = mta.maildir("bob").wait_parsed()
    assert re.search(r"^ In:  FOO \?\[2J", notice.get_payload(), re.M)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", notice.get_payload())


@pytest.mark.posthouse_only("Postfix keeps all of a session")
def test_of_an_endless_session_the_middle_is_left_out(mta):
    port = mta.smtpd_service(None, "smtpd_hard_error_limit=5000", "smtpd_soft_error_limit=5000")
    mta.start(notify_classes="protocol", error_notice_recipient="bob@virt.test")
    with mta.peer(port) as peer:
        for number in range(2000):
            peer.command(f"FOO {number}", 500)
        peer.quit()
    [notice] = mta.maildir("bob").wait_parsed()
    text = notice.get_payload()
    assert " In:  FOO 0\n" in text and " In:  FOO 1999\n" in text and " In:  FOO 1000\n" not in text
    assert re.search(r"^ \[\d+ lines left out\]$", text, re.M) and len(text) < 24 * 1024


@pytest.mark.parametrize("program", ["smtp", "lmtp"])
def test_the_client_reports_a_server_that_blames_it(mta, sink, lmtp_sink, program):
    server = sink if program == "smtp" else lmtp_sink
    server.on("RCPT", "501 5.5.4 Syntax \x01error", match="odd@")
    mta.start(notify_classes="protocol", error_notice_recipient="bob@virt.test", mail_name="Mailer", mynetworks="127.0.0.0/8",
              transport_maps=f"inline:{{elsewhere.test={program}:inet:{server.nexthop}}}" if program == "lmtp"
              else f"inline:{{elsewhere.test=smtp:{server.nexthop}}}")
    mta.deliver("odd@elsewhere.test", sender="alice@virt.test")
    [notice] = mta.maildir("bob").wait_parsed()
    name = f"127.0.0.1[127.0.0.1]:{server.port}"
    assert notice["Return-Path"] == f"<double-bounce@{mta.hostname}>"
    assert notice["Subject"] == f"Mailer {program.upper()} client: errors from {name}"
    text = notice.get_payload()
    assert text.startswith(f"Unexpected response from {name}.\n\nTranscript of session follows.\n\n In:  220 ")
    assert re.search(r"^ Out: MAIL FROM:<alice@virt\.test>", text, re.M)
    assert "\n In:  501 5.5.4 Syntax ?error\n" in text
    assert text.endswith("\n\nFor other details, see the local mail logfile\n")
    mta.maildir("alice").wait()         # the sender's own report is not replaced
    mta.wait_empty()


@pytest.mark.parametrize("classes, reply, sender", [
    ("policy, resource, software, data, bounce", "501 5.5.4 Syntax", "alice@virt.test"),
    ("protocol", "550 5.1.1 nobody", "alice@virt.test"),
    ("protocol", "501 5.5.4 Syntax", ""),
])
def test_the_client_is_silent_otherwise(mta, sink, classes, reply, sender):
    sink.on("RCPT", reply)
    mta.start(notify_classes=classes, error_notice_recipient="bob@virt.test", relayhost=sink.nexthop)
    mta.deliver("odd@elsewhere.test", sender=sender, data=make())
    mta.log.wait(r"to=<odd@elsewhere\.test>.* status=bounced ")
    mta.wait_empty()
    assert not mta.maildir("bob").files()
