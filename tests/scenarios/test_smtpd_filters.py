"""What the SMTP server may be told to make of commands, replies and DNS records; VERP for clients."""
import re

import pytest

from harness.message import make

ALICE = "RCPT TO:<alice@virt.test>"
NOBODY = "RCPT TO:<nobody@virt.test>"
SENDER = "MAIL FROM:<a@client.test>"
CLIENT = r"\S+\[127\.0\.0\.1\]"


def last_lines(peer, *commands):
    return [peer.command(command).lines[-1] for command in commands]


@pytest.mark.parametrize("who", ["smtpd_authorized_verp_clients", "authorized_verp_clients"])
def test_one_sender_per_recipient(mta, sink, who):
    mta.start(relayhost=sink.nexthop, **{who: "127.0.0.1"})
    with mta.peer() as peer:
        assert any(line[4:] == "XVERP" for line in peer.ehlo.lines)
        peer.deliver(["one@dest.test", "two@dest.test"], sender="owner@client.test", mail_options="XVERP")
        peer.deliver("one@dest.test", sender="owner@client.test", mail_options="xverp=-=")
        peer.quit()
    assert sorted(message.sender for message in sink.wait(3)) == \
        [f"owner{name}@client.test" for name in ("+one=dest.test", "+two=dest.test", "-one=dest.test")]


def test_default_verp_delimiters(mta, sink):
    mta.start(relayhost=sink.nexthop, smtpd_authorized_verp_clients="127.0.0.1", default_verp_delimiters="-+")
    with mta.peer() as peer:
        peer.deliver("one@dest.test", sender="owner@client.test", mail_options="XVERP")
        peer.quit()
    assert sink.wait()[0].sender == "owner-one+dest.test@client.test"


def test_verp_parameters(mta):
    mta.start(smtpd_authorized_verp_clients="127.0.0.1", smtpd_discard_ehlo_keywords="verp")
    needs_two = "501 5.5.4 Error: XVERP needs two characters from -=+"
    with mta.peer() as peer:
        assert "XVERP" not in peer.ehlo.text
        assert last_lines(peer, *(f"{SENDER} {word}" for word in ["XVERP=+", "XVERP=", "XVERP=#=", "XVERP=+=-"])) == [needs_two] * 4
        assert last_lines(peer, "MAIL FROM:<> XVERP", f"{SENDER} XVERPX") == \
            ["503 5.5.4 Error: XVERP requires non-null sender", "555 5.5.4 Unsupported option: XVERPX"]
        peer.command(f"{SENDER} XVERP XVERP=-=", 250)
        peer.command("RSET", 250)
        assert last_lines(peer, "MAIL FROM:<> XVERP SIZE=99999999999") == ["552 5.3.4 Message size exceeds fixed limit"]
        peer.quit()
    mta.log.wait(r"^discarding EHLO keywords: VERP$", process="smtpd")


def test_verp_is_for_authorized_clients_only(mta):
    mta.start(smtpd_authorized_verp_clients="127.0.0.2")
    with mta.peer() as peer:
        assert "XVERP" not in peer.ehlo.text
        assert last_lines(peer, f"{SENDER} XVERP=+", "MAIL FROM:<> XVERP") == \
            ["555 5.5.4 Unsupported option: XVERP=+", "555 5.5.4 Unsupported option: XVERP"]
        peer.quit()


def test_a_table_of_verp_clients_that_fails(mta):
    mta.start(smtpd_authorized_verp_clients="fail:x")
    with mta.peer(greet=False) as peer:
        peer.expect(220)
        assert str(peer.command("EHLO x")) == f"421 4.3.0 {mta.hostname} Server local data error"
    mta.log.wait(rf"don't know if EHLO feature XVERP should be announced to {CLIENT}$", process="smtpd")
    with mta.peer(greet=False) as peer:
        peer.expect(220)
        peer.command("HELO x", 250)
        assert last_lines(peer, f"{SENDER} XVERP") == ["555 5.5.4 Unsupported option: XVERP"]
        peer.quit()


@pytest.mark.parametrize("delays", ["yes", "no"])
def test_when_a_message_is_begun(mta, delays):
    mta.start(smtpd_delay_open_until_valid_rcpt=delays)
    with mta.peer() as peer:
        peer.command(SENDER, 250)
        peer.command(NOBODY, 550)
        assert last_lines(peer, "DATA") == ["554 5.5.1 Error: no valid recipients"]
        peer.command("RSET", 250)
        peer.command(SENDER, 250)
        peer.command(NOBODY, 550)
        peer.command(ALICE, 250)
        queue_id = peer.content(make(to="alice@virt.test")).queue_id
        peer.quit()
    mta.wait_empty()
    refused = [match[1] for match in mta.log.grep(rf"^(\w+): reject: RCPT from {CLIENT}: 550 ", "smtpd")]
    begun = [match[1] for match in mta.log.grep(rf"^(\w+): client={CLIENT}$", "smtpd")]
    if delays == "yes":
        assert refused == ["NOQUEUE"] * 2 and begun == [queue_id]
    else:
        assert len(refused) == 2 and refused == begun and refused[1] == queue_id


FILTER = r"""/^HELO *$/ HELO domain.invalid
/^[[:space:]]*$/ NOOP
/^(RCPT +TO: *<)'([^[:space:]]+)'(>.*)/ $1$2$3
/^leave/ QUIT
/^content/ DATA
/^web/ GET / HTTP
/^POST/ NOOP
/^Subject/ QUIT
/^CHUNK (.*)/ BDAT $1
"""


def test_command_filter(mta):
    mta.start(smtpd_command_filter=mta.table("filter", FILTER, "regexp"))
    with mta.peer(greet=False) as peer:
        peer.expect(220)
        for command in ["helo", "", "  ", "POST / HTTP/1.0"]:
            peer.command(command, 250)
        peer.command("frobnicate", 500)
        peer.command("EHLO x", 250)
        peer.command(SENDER, 250)
        peer.command("RCPT TO:<'alice@virt.test'> NOTIFY=NEVER", 250)
        peer.command("content", 354)
        peer.send("Subject: x\r\n\r\nleave\r\n.\r\n")
        peer.expect(250)
        peer.envelope("a@client.test", ["bob@virt.test"])
        peer.send("CHUNK 8 LAST\r\nA: b\r\n\r\nleave\r\n")
        peer.expect(250)
        peer.expect(221)
        assert peer.is_closed()
    for command, replacement in [("helo", "HELO domain.invalid"), ("", "NOOP"), ("  ", "NOOP"), ("leave", "QUIT"),
                                 ("RCPT TO:<'alice@virt.test'> NOTIFY=NEVER", "RCPT TO:<alice@virt.test> NOTIFY=NEVER")]:
        mta.log.wait(rf'^{CLIENT}: replacing command "{re.escape(command)}" with "{re.escape(replacement)}"$', process="smtpd")
    with mta.peer() as peer:
        assert peer.command("web").lines[-1] == "221 2.7.0 Error: I can break rules, too. Goodbye."
    assert len(mta.maildir("alice").wait()) == 1


def test_a_command_filter_ignores_case_in_tables(mta):
    mta.start(smtpd_command_filter="inline:{frobnicate=NOOP}")
    with mta.peer() as peer:
        peer.command("FrobniCate", 250)
        peer.command("frobnicate now", 500)
        peer.quit()


def test_a_command_filter_that_fails(mta):
    mta.start(smtpd_command_filter="fail:x")
    with mta.peer(greet=False) as peer:
        peer.expect(220)
        assert str(peer.command("EHLO x")) == f"421 4.3.0 {mta.hostname} Server local data error"
        assert peer.is_closed()
    mta.log.wait(r'fail:x lookup error for "EHLO x"$', process="smtpd")
    mta.log.wait(rf"^NOQUEUE: reject: CONNECT from {CLIENT}: 421 4\.3\.0 {re.escape(mta.hostname)} Server local data error$",
                 process="smtpd")


def rejected(mta, **parameters):
    """The replies to an unknown command and an unknown recipient."""
    mta.start(**parameters)
    with mta.peer() as peer:
        replies = [peer.command("FOO"), peer.command(SENDER, 250), peer.command(NOBODY)]
        peer.command(ALICE, 250)
        peer.quit()
    return [replies[0].lines[1:], replies[2].lines[1:]]


def test_reject_footer_maps(mta):
    table = mta.table("footers", "/^550 .*User unknown/ see $$server_name\\nor $$client_address\n", "regexp")
    assert rejected(mta, smtpd_reject_footer_maps=f"{table}, static:all") == \
        [("500 5.5.2 all",), (f"550-5.1.1 see {mta.hostname}", "550 5.1.1 or 127.0.0.1")]


def test_the_general_footer_is_for_other_replies(mta):
    table = mta.table("footers", "/^550 .*User unknown/ a $$other b\n", "regexp")
    assert rejected(mta, smtpd_reject_footer_maps=table, smtpd_reject_footer="call") == \
        [("500 5.5.2 call",), ("550 5.1.1 a  b",)]
    mta.log.wait(r'unknown macro name "other" in expansion request$', process="smtpd")


def test_a_table_of_footers_that_fails(mta):
    assert rejected(mta, smtpd_reject_footer_maps="fail:x", smtpd_reject_footer="call") == [("500 5.5.2 call",), ("550 5.1.1 call",)]
    mta.log.wait(r'fail:x lookup error for "500 5\.5\.2 Error: command not recognized"$', process="smtpd")


ZONE = """a.test. 60 MX 10 mx.a.test.
mx.a.test. 60 A 127.0.0.1
b.test. 60 A 127.0.0.1
1.0.0.127.bl.test. 60 A 127.0.0.2
1.0.0.127.bl.test. 60 TXT "one; 1"
1.0.0.127.bl.test. 60 TXT "two"
"""
UNKNOWN_SENDER = "reject_unknown_sender_domain"
LISTED = "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using bl.test"


def ask(mta, dns, restriction, rule, sender):
    dns.add(ZONE)
    mta.start(smtpd_recipient_restrictions=restriction, smtpd_peername_lookup="no",
              smtpd_dns_reply_filter=rule if rule.startswith("fail:") else mta.table("filter", rule + "\n", "regexp"))
    with mta.peer(helo=sender.split("@")[1]) as peer:
        reply = peer.ask("alice@virt.test", sender)
        peer.quit()
    return str(reply).replace("two / one; 1", "one; 1 / two")     # records have no order


@pytest.mark.needs_root("the DNS server listens at port 53 for the reference")
@pytest.mark.parametrize("restriction, rule, sender, answer, logged", [
    (UNKNOWN_SENDER, "/ IN MX / IGNORE", "u@a.test", "250 2.1.5 Ok",
     [r"^ignoring DNS RR: a\.test\. \d+ IN MX 10 mx\.a\.test\.$",
      r"a\.test: MX or address lookup error: DNS reply filter drops all results$"]),
    (UNKNOWN_SENDER, "/ IN A / IGNORE", "u@b.test", "250 2.1.5 Ok",
     [r"b\.test: MX or address lookup error: DNS reply filter drops all results$"]),
    (UNKNOWN_SENDER, "/ IN A / IGNORE", "u@none.test", "450 4.1.8 <u@none.test>: Sender address rejected: Domain not found", []),
    (UNKNOWN_SENDER, "/ IN / other", "u@a.test", "450 4.1.8 <u@a.test>: Sender address rejected: Domain not found",
     [r'smtpd_dns_reply_filter: unknown DNS filter action: "other"$']),
    (UNKNOWN_SENDER, "fail:x", "u@b.test", "450 4.1.8 <u@b.test>: Sender address rejected: Domain not found",
     [r'fail:x lookup error for "b\.test\. \d+ IN A 127\.0\.0\.1"$']),
    ("reject_unknown_helo_hostname", "/ IN / IGNORE", "u@b.test", "250 2.1.5 Ok",
     [r"b\.test: address or MX lookup error: DNS reply filter drops all results$"]),
    ("reject_rbl_client bl.test", "/nothing/ IGNORE", "u@a.test", LISTED + "; one; 1 / two", []),
    ("reject_rbl_client bl.test", "/ IN TXT one; 1$/ IGNORE", "u@a.test", LISTED + "; two", []),
    ("reject_rbl_client bl.test", "/ IN TXT / IGNORE", "u@a.test", LISTED,
     [r"1\.0\.0\.127\.bl\.test: TXT lookup error: DNS reply filter drops all results$"]),
    ("reject_rbl_client bl.test", "/ IN A / IGNORE", "u@a.test", "250 2.1.5 Ok",
     [r"1\.0\.0\.127\.bl\.test: RBL lookup error: Error looking up name=1\.0\.0\.127\.bl\.test type=A: DNS reply filter drops all results$"]),
    ("check_sender_mx_access static:REJECT", "/ IN MX / IGNORE", "u@a.test", "250 2.1.5 Ok",
     [r"Unable to look up MX host for a\.test: DNS reply filter policy$"]),
])
def test_dns_reply_filter(mta, dns, restriction, rule, sender, answer, logged):
    assert ask(mta, dns, restriction, rule, sender) == answer
    for pattern in logged:
        mta.log.wait(pattern, process="smtpd")
