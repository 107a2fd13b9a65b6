"""What can never be delivered comes back as an RFC 3464 report."""
import re

import pytest

from harness.ports import free_port
from harness.sink import Sink


def parts(report):
    """(human text, per-message fields, per-recipient fields, returned part)"""
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    text, status, returned = report.get_payload()
    assert text.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    message, *recipients = status.get_payload()
    return text.get_content(), message, recipients, returned


def test_a_permanent_refusal_bounces(mta, sink):
    sink.on("RCPT", "550-5.1.1 no\r\n550 5.1.1 such user")
    mta.start(relayhost=sink.nexthop)
    queue_id, message_id = mta.deliver("gone@elsewhere.test", sender="alice@virt.test", subject="hello")
    [report] = mta.maildir("alice").wait_parsed()
    text, message, [recipient], returned = parts(report)
    assert report["Return-Path"] == "<>"
    assert report["From"] == "Mail Delivery System <MAILER-DAEMON@example.test>"
    assert report["To"] == "alice@virt.test"
    assert report["Subject"] == "Undelivered Mail Returned to Sender"
    assert report["Auto-Submitted"] == "auto-replied"
    assert "<gone@elsewhere.test>: host 127.0.0.1[127.0.0.1] said: 550-5.1.1 no 550" in text.replace("\n    ", " ")
    assert message["Reporting-MTA"] == f"dns; {mta.hostname}"
    assert message["X-Postfix-Queue-ID"] == queue_id
    assert message["X-Postfix-Sender"] == "rfc822; alice@virt.test"
    assert message["Arrival-Date"]
    assert recipient["Final-Recipient"] == "rfc822; gone@elsewhere.test"
    assert recipient["Original-Recipient"] == "rfc822;gone@elsewhere.test"
    assert recipient["Action"] == "failed" and recipient["Status"] == "5.1.1"
    assert recipient["Remote-MTA"] == "dns; 127.0.0.1"
    assert re.sub(r"\s+", " ", recipient["Diagnostic-Code"]) == "smtp; 550-5.1.1 no 550 5.1.1 such user"
    assert returned.get_content_type() == "message/rfc822"
    assert returned.get_payload(0)["Message-Id"] == f"<{message_id}>"
    mta.log.wait(rf"^{queue_id}: sender non-delivery notification: [0-9A-F]+$", process="bounce")
    mta.log.wait(rf"^{queue_id}: to=<gone@elsewhere\.test>.*status=bounced \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: "
                 r"550-5\.1\.1 no 550 5\.1\.1 such user \(in reply to RCPT TO command\)\)$")
    mta.wait_empty()


def test_an_expired_message_bounces(mta):
    mta.start(relayhost=f"[127.0.0.1]:{free_port()}", maximal_queue_lifetime="0", bounce_queue_lifetime="0")
    queue_id, _ = mta.deliver("one@elsewhere.test", sender="alice@virt.test")
    [report] = mta.maildir("alice").wait_parsed()
    _, _, [recipient], _ = parts(report)
    assert recipient["Action"] == "failed" and recipient["Status"] == "4.4.1"
    mta.log.wait(rf"^{queue_id}: from=<alice@virt\.test>, status=expired, returned to sender$", process="qmgr")


def test_a_large_message_returns_its_headers_only(mta, sink):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop, bounce_size_limit="5000")
    mta.deliver("gone@elsewhere.test", sender="alice@virt.test", size=20000)
    [report] = mta.maildir("alice").wait_parsed()
    returned = parts(report)[3]
    assert returned.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers")
    assert len(str(report)) < 10000


def test_dsn_ret_hdrs_and_envid(mta, sink):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop)
    with mta.peer() as peer:
        peer.deliver("gone@elsewhere.test", sender="alice@virt.test", mail_options="RET=HDRS ENVID=QQ+2B314",
                     rcpt_options="NOTIFY=FAILURE ORCPT=rfc822;first+2Bx@origin.test")
    [report] = mta.maildir("alice").wait_parsed()
    _, message, [recipient], returned = parts(report)
    assert message["Original-Envelope-Id"] == "QQ+314"
    assert recipient["Original-Recipient"] == "rfc822;first+x@origin.test"
    assert returned.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers")


def test_notify_never_is_silent(mta, sink):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop)
    with mta.peer() as peer:
        queue_id, _ = peer.deliver("gone@elsewhere.test", sender="alice@virt.test", rcpt_options="NOTIFY=NEVER")
    mta.log.wait(rf"^{queue_id}: removed$")
    assert not mta.maildir("alice").files()
    assert not mta.log.has("non-delivery notification")


def test_notify_success(mta):
    mta.start()
    with mta.peer() as peer:
        queue_id, _ = peer.deliver("bob@virt.test", sender="alice@virt.test", rcpt_options="NOTIFY=SUCCESS")
    mta.maildir("bob").wait()
    [report] = mta.maildir("alice").wait_parsed()
    assert report["Subject"] == "Successful Mail Delivery Report"
    _, _, [recipient], returned = parts(report)
    assert recipient["Action"] == "delivered" and recipient["Status"] == "2.0.0"
    assert recipient["Final-Recipient"] == "rfc822; bob@virt.test"
    mta.log.wait(rf"^{queue_id}: sender delivery status notification: [0-9A-F]+$")


def test_notify_success_to_a_host_without_dsn_is_relayed(mta, sink):
    sink.extensions.remove("DSN")
    mta.start(relayhost=sink.nexthop)
    with mta.peer() as peer:
        peer.deliver("far@elsewhere.test", sender="alice@virt.test", rcpt_options="NOTIFY=SUCCESS")
    [report] = mta.maildir("alice").wait_parsed()
    _, _, [recipient], _ = parts(report)
    assert recipient["Action"] == "relayed"
    assert "NOTIFY" not in sink.messages[0].rcpt_lines[0]


def test_dsn_options_travel_to_the_next_host(mta, sink):
    mta.start(relayhost=sink.nexthop)
    with mta.peer() as peer:
        peer.deliver("far@elsewhere.test", sender="alice@virt.test", mail_options="RET=FULL ENVID=ab+3Dc",
                     rcpt_options="NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z.test")
    [taken] = sink.wait()
    assert "RET=FULL" in taken.mail_line and "ENVID=ab+3Dc" in taken.mail_line
    assert "NOTIFY=SUCCESS,DELAY" in taken.rcpt_lines[0] and "ORCPT=rfc822;x+2By@z.test" in taken.rcpt_lines[0]
    mta.wait_empty()
    assert not mta.maildir("alice").files()


def test_a_delay_warning_is_sent_once(mta):
    mta.start(relayhost=f"[127.0.0.1]:{free_port()}", delay_warning_time="1s", minimal_backoff_time="2s",
              maximal_backoff_time="2s", queue_run_delay="2s")
    queue_id, _ = mta.deliver("slow@elsewhere.test", sender="alice@virt.test")
    [report] = mta.maildir("alice").wait_parsed()
    assert report["Subject"] == "Delayed Mail (still being retried)"
    _, _, [recipient], _ = parts(report)
    assert recipient["Action"] == "delayed" and recipient["Status"] == "4.4.1"
    assert recipient["Will-Retry-Until"]
    mta.log.wait(rf"^{queue_id}: sender delay notification: [0-9A-F]+$")
    mta.log.wait(rf"^{queue_id}: to=<slow@elsewhere\.test>.*status=deferred", count=3)
    assert len(mta.maildir("alice").files()) == 1
    assert mta.queued("deferred", "active") == [queue_id]


@pytest.mark.parametrize("confirms, notify, is_told", [("yes", "", True), ("yes", " NOTIFY=DELAY", True), ("yes", " NOTIFY=FAILURE", False),
                                                       ("no", "", False)])
def test_the_end_of_a_delay(mta, confirms, notify, is_told):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", delay_warning_time="1s", minimal_backoff_time="1s", maximal_backoff_time="1s",
              queue_run_delay="1s", confirm_delay_cleared=confirms)
    with mta.peer() as peer:
        peer.envelope("alice@virt.test", "slow@elsewhere.test", rcpt_options=notify.strip())
        queue_id = peer.content(b"Subject: x\r\n\r\nx\r\n").queue_id
    mta.log.wait(rf"^{queue_id}: to=<slow@elsewhere\.test>.*status=deferred", count=4)
    with Sink(port=port) as sink:
        sink.wait()
        mta.wait_empty()
    reports = {report["Subject"]: report for report in mta.maildir("alice").wait_parsed(0)}
    warned = [] if "FAILURE" in notify else ["Delayed Mail (still being retried)"]
    assert sorted(reports) == warned + ["Successful Mail Delivery Report"] * is_told
    if is_told:
        _, _, [recipient], _ = parts(reports["Successful Mail Delivery Report"])
        assert (recipient["Final-Recipient"], recipient["Action"]) == ("rfc822; slow@elsewhere.test", "relayed")


def test_the_postmaster_hears_of_bounces(mta, sink):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop, notify_classes="bounce", bounce_notice_recipient="bob@virt.test")
    mta.deliver("gone@elsewhere.test", sender="alice@virt.test")
    [copy] = mta.maildir("bob").wait_parsed()
    assert copy["Subject"] == "Postmaster Copy: Undelivered Mail"
    mta.log.wait(r"postmaster non-delivery notification: ")
    mta.maildir("alice").wait()


def test_the_postmaster_hears_of_delays(mta):
    mta.start(relayhost=f"[127.0.0.1]:{free_port()}", delay_warning_time="1s", minimal_backoff_time="2s",
              maximal_backoff_time="2s", queue_run_delay="2s", notify_classes="delay", delay_notice_recipient="bob@virt.test")
    queue_id, _ = mta.deliver("slow@elsewhere.test", sender="alice@virt.test")
    [copy] = mta.maildir("bob").wait_parsed()
    assert copy["Subject"] == "Postmaster Warning: Delayed Mail" and copy["To"] == "bob@virt.test"
    mta.log.wait(rf"^{queue_id}: postmaster delay notification: [0-9A-F]+$")
    mta.maildir("alice").wait()


def test_the_postmaster_hears_only_of_the_classes_named(mta, sink):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop, notify_classes="2bounce, delay, data, policy, protocol, resource, software",
              bounce_notice_recipient="bob@virt.test", delay_notice_recipient="bob@virt.test")
    mta.deliver("gone@elsewhere.test", sender="alice@virt.test")
    mta.maildir("alice").wait()
    mta.wait_empty()
    assert not mta.maildir("bob").files()


@pytest.mark.parametrize("classes", ["2bounce", "bounce"])       # bounce implies 2bounce
def test_a_bounce_that_bounces_goes_to_the_postmaster(mta, sink, classes):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop, notify_classes=classes, bounce_notice_recipient="alice@virt.test", **{"2bounce_notice_recipient": "bob@virt.test"})
    mta.deliver("gone@elsewhere.test", sender="nobody@elsewhere.test")
    [report] = mta.maildir("bob").wait_parsed()
    assert report["Subject"] == "Postmaster Copy: Undelivered Mail"
    mta.wait_empty()


def test_a_null_sender_gets_no_bounce(mta, sink):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop, notify_classes="")
    with mta.peer() as peer:
        queue_id, _ = peer.deliver("gone@elsewhere.test", sender="")
    mta.log.wait(rf"^{queue_id}: removed$")
    mta.wait_empty()
    assert not mta.log.has("sender non-delivery notification")


def test_soft_bounce_keeps_the_message(mta, sink):
    sink.on("RCPT", "550 5.1.1 gone")
    mta.start(relayhost=sink.nexthop, soft_bounce="yes")
    queue_id, _ = mta.deliver("gone@elsewhere.test", sender="alice@virt.test")
    mta.log.wait(rf"^{queue_id}: to=<gone@elsewhere\.test>.*dsn=4\.1\.1, status=SOFTBOUNCE ")
    assert mta.wait_queue("deferred", 1) == [queue_id]


def test_the_error_transport_refuses_and_bounces_with_its_text(mta):
    mta.start(transport_maps=mta.table("transport", "elsewhere.test error:5.7.9 mail to this place is off\n"))
    with mta.peer() as peer:
        peer.command("MAIL FROM:<alice@virt.test>", 250)
        assert peer.command("RCPT TO:<one@elsewhere.test>").text == \
            "550 5.7.9 <one@elsewhere.test>: Recipient address rejected: mail to this place is off"
    mta.sendmail("-f", "alice@virt.test", "one@elsewhere.test", message=b"Subject: x\n\ny\n")
    mta.log.wait(r"to=<one@elsewhere\.test>, relay=none, .*dsn=5\.7\.9, status=bounced \(mail to this place is off\)$", process="error")
    mta.maildir("alice").wait()


def test_the_retry_transport_refuses_and_defers_with_its_text(mta):
    mta.start(transport_maps=mta.table("transport", "elsewhere.test retry:4.7.9 later please\n"))
    with mta.peer() as peer:
        peer.command("MAIL FROM:<alice@virt.test>", 250)
        assert peer.command("RCPT TO:<one@elsewhere.test>").text == \
            "450 4.7.9 <one@elsewhere.test>: Recipient address rejected: later please"
    mta.sendmail("-f", "alice@virt.test", "one@elsewhere.test", message=b"Subject: x\n\ny\n")
    mta.log.wait(r"to=<one@elsewhere\.test>, relay=none, .*dsn=4\.7\.9, status=deferred \(later please\)$", process="error")
    mta.wait_queue("deferred", 1)


def test_the_discard_transport_drops(mta):
    mta.start(transport_maps=mta.table("transport", "elsewhere.test discard:silently\n"))
    mta.deliver("one@elsewhere.test")
    mta.log.wait(r"to=<one@elsewhere\.test>, relay=none, .*dsn=2\.0\.0, status=sent \(silently\)$", process="discard")
    mta.wait_empty()


def test_unknown_users_of_a_virtual_domain_are_refused(mta):
    mta.start()
    with mta.peer() as peer:
        peer.command("MAIL FROM:<a@client.test>", 250)
        reply = peer.command("RCPT TO:<nobody@virt.test>", 550)
    assert reply.text == "550 5.1.1 <nobody@virt.test>: Recipient address rejected: User unknown in virtual mailbox table"


def test_mail_that_loops_is_refused(mta, sink):
    from harness.message import make
    mta.start(relayhost=sink.nexthop, hopcount_limit="5")
    data = make(headers=["Received: from x by y; Mon, 23 Nov 2026 10:00:00 +0000"] * 8)
    with mta.peer() as peer:
        peer.envelope("alice@virt.test", "one@elsewhere.test")
        reply = peer.content(data, code=554)
    assert reply.dsn == "5.4.0" and "too many hops" in reply.text
