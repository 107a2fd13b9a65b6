"""How many connections a client may have and make, how many messages and recipients it may name in a time unit."""
import re

import pytest

from harness.peer import Peer
from harness.waiting import wait_for

CLIENT = "127.0.0.5"               # apart from whoever else connects
SENDER = "MAIL FROM:<a@client.test>"
ALICE = "RCPT TO:<alice@virt.test>"


def start(mta, **parameters):
    # One process: it counts by itself.
    mta.service(f"127.0.0.1:{mta.port}", "inet", maxproc=9)
    mta.start(smtpd_peername_lookup="no", **{"smtpd_client_event_limit_exceptions": "", **parameters})


def connect(mta, source=CLIENT, greet=False):
    return Peer(("127.0.0.1", mta.port), greet=greet, source=(source, 0))


def first_reply(mta, source=CLIENT):
    with connect(mta, source) as peer:
        reply = peer.reply()
        if reply.code == 220:
            peer.quit()
        else:
            assert peer.is_closed()
        return reply


def too_many(mta):
    return f"421 4.7.0 {mta.hostname} Error: too many connections from {CLIENT}"


def wait_for_warning(mta, what, count):
    mta.log.wait(rf"{what} limit exceeded: {count} from unknown\[{re.escape(CLIENT)}\] for service 127\.0\.0\.1:{mta.port}$",
                 process="smtpd")


def test_connections_at_once(mta):
    start(mta, smtpd_client_connection_count_limit="1")
    with connect(mta) as peer:
        peer.expect(220)
        assert str(first_reply(mta)) == too_many(mta)
        assert first_reply(mta, "127.0.0.6").code == 220
        peer.quit()
    wait_for_warning(mta, "Connection concurrency", 2)
    mta.log.wait(rf"^disconnect from unknown\[{re.escape(CLIENT)}\] commands=0/0$", process="smtpd")


def test_connections_in_a_time_unit(mta):
    start(mta, smtpd_client_connection_rate_limit="2", smtpd_reject_footer="call us")
    assert [first_reply(mta).code for _ in range(2)] == [220, 220]
    assert first_reply(mta).lines == (too_many(mta).replace("421 ", "421-", 1), "421 4.7.0 call us")
    assert first_reply(mta).code == 421 and first_reply(mta, "127.0.0.6").code == 220
    wait_for_warning(mta, "Connection rate", 4)


def test_the_next_time_unit(mta):
    start(mta, smtpd_client_connection_rate_limit="1", anvil_rate_time_unit="5s")
    assert [first_reply(mta).code for _ in range(2)] == [220, 421]
    wait_for(lambda: first_reply(mta).code == 220, "a new time unit")


def test_messages_in_a_time_unit(mta):
    start(mta, smtpd_client_message_rate_limit="2")
    with connect(mta, greet=True) as peer:
        peer.command("MAIL", 501)
        peer.command(SENDER, 250)
        peer.command(SENDER, 503)
        peer.command("RSET", 250)
        peer.command("MAIL FROM:<a", 501)
        assert str(peer.command(SENDER)) == f"450 4.7.1 Error: too much mail from {CLIENT}"
        peer.command(ALICE, 503)
        peer.quit()
    with connect(mta, greet=True) as peer:
        peer.command(SENDER + " OTHER=1", 450)
        peer.quit()
    with connect(mta, "127.0.0.6", greet=True) as peer:
        peer.command(SENDER, 250)
        peer.quit()
    wait_for_warning(mta, "Message delivery request rate", 3)
    wait_for_warning(mta, "Message delivery request rate", 4)


def test_recipients_in_a_time_unit(mta):
    start(mta, smtpd_client_recipient_rate_limit="2")
    with connect(mta, greet=True) as peer:
        peer.command(ALICE, 503)
        peer.command(SENDER, 250)
        peer.command("RCPT", 501)
        peer.command(ALICE, 250)
        peer.command("RCPT TO:<nobody@virt.test>", 550)
        assert str(peer.command(ALICE)) == f"450 4.7.1 Error: too many recipients from {CLIENT}"
        peer.content(b"Subject: x\r\n\r\nx\r\n")
        peer.quit()
    wait_for_warning(mta, "Recipient address rate", 3)
    assert len(mta.maildir("alice").wait()) == 1


@pytest.mark.parametrize("exceptions, code", [(CLIENT, 250), ("127.0.0.0/8", 250), ("127.0.0.6", 450), ("fail:x", 450)])
def test_exceptions(mta, exceptions, code):
    start(mta, smtpd_client_message_rate_limit="1", smtpd_client_event_limit_exceptions=exceptions)
    with connect(mta, greet=True) as peer:
        peer.command(SENDER, 250)
        peer.command("RSET", 250)
        peer.command(SENDER, code)
        peer.quit()


def test_limits_are_for_the_client_that_xclient_names(mta):
    start(mta, smtpd_client_message_rate_limit="1", smtpd_client_connection_rate_limit="2", smtpd_authorized_xclient_hosts=CLIENT)
    with connect(mta, greet=True) as peer:
        for _ in range(3):
            peer.command(SENDER, 250)
            peer.command("RSET", 250)
        peer.command("XCLIENT ADDR=192.0.2.1 NAME=x.test", 220)
        peer.command(SENDER, 250)
        peer.command("RSET", 250)
        assert str(peer.command(SENDER)) == "450 4.7.1 Error: too much mail from 192.0.2.1"
        peer.quit()
    for code in (220, 421):
        with connect(mta, greet=True) as peer:
            reply = peer.command("XCLIENT ADDR=192.0.2.1 NAME=x.test", code)
    assert str(reply) == f"421 4.7.0 {mta.hostname} Error: too many connections from 192.0.2.1"
    mta.log.wait(rf"Connection rate limit exceeded: 3 from x\.test\[192\.0\.2\.1\] for service 127\.0\.0\.1:{mta.port}$")
