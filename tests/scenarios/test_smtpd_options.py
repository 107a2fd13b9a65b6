"""Settings of the SMTP server that change an answer."""
import re

import pytest


def test_reject_footer(mta):
    mta.start(smtpd_reject_footer="call $server_name$myhostname about $client_address, $localtime")
    with mta.peer() as peer:
        peer.command("MAIL FROM:<a@client.test>", 250)
        reply = peer.command("RCPT TO:<nobody@virt.test>", 550)
        assert re.fullmatch(rf"550 5\.1\.1 call {re.escape(mta.hostname)} about 127\.0\.0\.1, [A-Z][a-z]+ \d\d \d\d:\d\d:\d\d",
                            reply.lines[-1])
        assert "User unknown" in reply.lines[0] and len(reply.lines) == 2
        assert len(peer.command("RCPT TO:<alice@virt.test>", 250).lines) == 1
        peer.quit()


def test_forbidden_commands(mta):
    mta.start(smtpd_forbidden_commands="frobnicate, options")
    with mta.peer() as peer:
        reply = peer.command("OPTIONS / HTTP/1.1", 221)
        assert reply.dsn == "2.7.0" and "I can break rules, too" in str(reply)
        assert peer.is_closed()
    mta.log.wait(r"non-SMTP command from .*\[127\.0\.0\.1\]: OPTIONS / HTTP/1\.1$", process="smtpd")
    with mta.peer() as peer:
        peer.command("CONNECT x", 500)
        peer.quit()


def test_commands_that_do_nothing(mta):
    mta.start(smtpd_noop_commands="frobnicate")
    with mta.peer() as peer:
        assert str(peer.command("FROBNICATE now", 250)).endswith("2.0.0 Ok")
        peer.command("OTHERWISE now", 500)
        peer.quit()


@pytest.mark.posthouse_only("Debian's version has no such setting")
@pytest.mark.parametrize("code", ["550", "521"])
def test_code_for_a_bare_newline(mta, code):
    mta.start(smtpd_forbid_bare_newline="reject", smtpd_forbid_bare_newline_exclusions="",
              smtpd_forbid_bare_newline_reject_code=code)
    with mta.peer() as peer:
        peer.envelope("a@client.test", ["alice@virt.test"])
        peer.command("DATA", 354)
        peer.send(b"Subject: x\n\r\nx\r\n.\r\n")
        peer.expect(int(code))
    mta.wait_empty()
