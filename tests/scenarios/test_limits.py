"""Every input has a limit, and crossing it is answered."""
import select
import socket

import pytest

from harness.message import make
from harness.waiting import DEADLINE, wait_for


def test_message_size_is_announced_and_kept(mta):
    mta.start(message_size_limit="20000", virtual_mailbox_limit="51200000")
    with mta.peer() as peer:
        assert "250-SIZE 20000" in peer.ehlo.lines
        assert peer.command("MAIL FROM:<a@client.test> SIZE=30000").text == "552 5.3.4 Message size exceeds fixed limit"
    with mta.peer() as peer:
        peer.envelope("a@client.test", "alice@virt.test")
        reply = peer.content(make(size=40000), code=552)
        assert reply.text == "552 5.3.4 Error: message file too big"
        peer.deliver("alice@virt.test", size=10000)
    assert len(mta.maildir("alice").wait()) == 1
    assert not mta.queued("incoming", "maildrop")


def test_too_many_recipients(mta):
    mta.start(smtpd_recipient_limit="3", smtpd_recipient_overshoot_limit="10", virtual_mailbox_maps="static:all/")
    with mta.peer() as peer:
        peer.command("MAIL FROM:<a@client.test>", 250)
        for number in range(3):
            peer.command(f"RCPT TO:<r{number}@virt.test>", 250)
        assert peer.command("RCPT TO:<r3@virt.test>").text == "452 4.5.3 Error: too many recipients"
        peer.content(make())
    mta.wait_empty()
    mta.log.wait(r"nrcpt=3 \(queue active\)")


def test_hard_error_limit_disconnects(mta):
    mta.start(smtpd_hard_error_limit="5", smtpd_soft_error_limit="10", smtpd_error_sleep_time="0")
    with mta.peer() as peer:
        replies = []
        with pytest.raises(ConnectionError):
            for _ in range(8):
                replies.append(peer.command("FOO"))
        assert replies[0].text == "500 5.5.2 Error: command not recognized"
        assert replies[-1].text == "421 4.7.0 mx.example.test Error: too many errors"
    mta.log.wait(r"too many errors after UNKNOWN from \S+\[127\.0\.0\.1\]$", process="smtpd")


def test_soft_errors_slow_down(mta):
    """Who has made too many mistakes waits for his answer while others are served."""
    mta.start(smtpd_soft_error_limit="1", smtpd_hard_error_limit="50", smtpd_error_sleep_time="20s")
    with mta.peer() as peer:
        peer.command("FOO", 500)
        peer.send("FOO\r\n")
        mta.deliver("alice@virt.test")
        mta.maildir("alice").wait()
        assert not select.select([peer.socket], [], [], 0)[0], "the answer did not wait"


def test_junk_commands_count_as_errors(mta):
    mta.start(smtpd_junk_command_limit="3", smtpd_hard_error_limit="4", smtpd_error_sleep_time="0")
    with mta.peer() as peer:
        with pytest.raises(ConnectionError):
            for _ in range(20):
                peer.command("NOOP")


def test_endless_command_line(mta):
    """The server may answer or hang up, but reads no line without end into memory."""
    mta.start()
    with mta.peer() as peer:
        try:
            for _ in range(160):
                peer.send(b"NOOP " + b"x" * 65536)
        except OSError:
            pass
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()
    if mta.suite.is_posthouse:
        from harness.processes import resident_bytes
        assert max(resident_bytes(pid) for pid in mta.pids("smtpd")) < 200 << 20


def test_a_long_line_is_cut(mta):
    mta.start(line_length_limit="600")
    with mta.peer() as peer:
        peer.command("NOOP " + "a" * 594, 250)
        assert not mta.log.has("request longer than")
        peer.command("NOOP " + "a" * 595, 250)
        mta.log.wait(r"^warning: \S+\[127\.0\.0\.1\]: request longer than 600: NOOP a{25}\.\.\.$", process="smtpd")
        assert peer.command("MAIL FROM:<" + "a" * 700 + "@client.test>").text == "501 5.1.7 Bad sender address syntax"
        peer.command("NOOP", 250)


def test_idle_clients_are_timed_out(mta):
    mta.start(smtpd_timeout="1s")
    with mta.peer() as peer:
        assert peer.reply().text == "421 4.4.2 mx.example.test Error: timeout exceeded"
        assert peer.is_closed()
    mta.log.wait(r"^timeout after EHLO from \S+\[127\.0\.0\.1\]$", process="smtpd")


def drip(mta, peer, byte):
    """Sends a byte now and then, never long enough apart for a limit on each, until the server tells of a timeout."""
    def one_more():
        try:
            peer.send(byte)
        except ConnectionError:
            pass
        return mta.log.has("timeout after ")
    wait_for(one_more, "the dripping client is disconnected", interval=0.1)


@pytest.mark.parametrize("where", ["EHLO", "DATA", "BDAT"])
def test_a_client_that_drips_is_timed_out(mta, where):
    mta.start(smtpd_timeout="2s", smtpd_per_request_deadline="yes")
    with mta.peer() as peer:
        if where != "EHLO":
            peer.envelope("a@client.test", "alice@virt.test")
        if where == "DATA":
            peer.command("DATA", 354)
        if where == "BDAT":
            peer.send("BDAT 100000 LAST\r\n")
        drip(mta, peer, b"x")
        assert peer.is_closed()
    mta.log.wait(rf"^timeout after {where}(?: \(\d+ bytes\))? from \S+\[127\.0\.0\.1\]$", process="smtpd")


@pytest.mark.parametrize("is_limited", [False, True])
def test_quick_enough_clients_may_take_longer_than_one_timeout(mta, is_limited):
    """Each piece of the content earns time; a client without per-request deadline may be as slow as it likes."""
    mta.start(smtpd_timeout="3s", smtpd_per_request_deadline="yes" if is_limited else "no", smtpd_min_data_rate="100")
    with mta.peer() as peer:
        peer.envelope("a@client.test", "alice@virt.test")
        peer.command("DATA", 354)
        for _ in range(14):
            peer.send(b"x" * 98 + b"\r\n" if is_limited else b"x")
            assert not peer.is_closed(timeout=0.3)
        peer.socket.settimeout(DEADLINE)
        peer.send(b"\r\n.\r\n")
        peer.expect(250)
    mta.maildir("alice").wait()


def test_a_client_that_stops_in_data_is_timed_out(mta):
    mta.start(smtpd_timeout="1s")
    with mta.peer() as peer:
        peer.envelope("a@client.test", "alice@virt.test")
        peer.command("DATA", 354)
        peer.send("Subject: half\r\n")
        assert peer.is_closed()
    mta.log.wait(r"timeout after DATA \(\d+ bytes\) from ")
    wait_for(lambda: not mta.queued(), "the half message is gone")


def test_a_client_that_leaves_in_data_leaves_nothing(mta):
    mta.start()
    with mta.peer() as peer:
        peer.envelope("a@client.test", "alice@virt.test")
        peer.command("DATA", 354)
        peer.send("Subject: half\r\n\r\nfirst line\r\n")
    mta.log.wait(r"^lost connection after DATA \(\d+ bytes\) from \S+\[127\.0\.0\.1\]$")
    wait_for(lambda: not mta.queued(), "the half message is gone")
    assert not mta.maildir("alice").files()


def test_an_explicit_process_limit_bounds_clients(mta):
    name = f"127.0.0.1:{mta.port}"
    mta.service(name, "inet", maxproc=2)
    mta.start()
    first, second = mta.peer(), mta.peer()
    third = mta.peer(greet=False)
    third.socket.settimeout(1)
    with pytest.raises(socket.timeout):
        third.reply()
    first.quit()
    third.socket.settimeout(30)
    assert third.reply().code == 220
    second.quit()
    third.close()


def errors_until_disconnect(peer):
    """How many bad commands the session bears."""
    for count in range(100):
        if peer.command("FOO").code == 421:
            return count
    raise AssertionError("it bears everything")


@pytest.mark.posthouse_only("the reference starts its process with stress=yes, for which it waits for a second client")
def test_the_last_free_session_is_under_stress(mta):
    mta.service(f"127.0.0.1:{mta.port}", "inet", maxproc=2)
    stressed = mta.smtpd_service(None, "stress=yes")
    mta.start(smtpd_soft_error_limit="100")
    with mta.peer() as first:
        with mta.peer() as last:
            assert errors_until_disconnect(last) == 1
        assert errors_until_disconnect(first) == 20         # began when another session was free
    with mta.peer(stressed) as peer:
        assert errors_until_disconnect(peer) == 1


def test_a_full_disk_reserve_refuses_mail(mta):
    mta.start(queue_minfree=str(1 << 60))
    with mta.peer() as peer:
        assert peer.command("MAIL FROM:<a@client.test>").text == "452 4.3.1 Insufficient system storage"
    mta.log.wait(r"warning: not enough free space in mail queue: \d+ bytes < ")


def test_header_and_line_limits_in_content(mta, sink):
    mta.start(relayhost=sink.nexthop, header_size_limit="4096")
    data = make(headers=["X-Long: " + "z" * 20000], body="q" * 100000)
    with mta.peer() as peer:
        peer.deliver("one@elsewhere.test", data=data)
    [taken] = sink.wait()
    assert max(len(line) for line in taken.data.split(b"\r\n")) <= 998 + 2
    assert taken.data.count(b"q") >= 100000 and taken.data.count(b"z") < 6000
