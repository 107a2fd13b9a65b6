"""The same lines to our smtpd and to Debian's: each reply must be the same, word for word."""
import itertools
import re

import pytest

from harness.instance import Instance
from harness.peer import Closed, Peer
from harness.suite import Suite

pytestmark = pytest.mark.needs_root("the reference")

ADDRESSES = [
    "a@b.test", "<a@b.test>", " <a@b.test>", "<a@b.test", "a@b.test>", "<<a@b.test>>", "<a@b.test> ", "<>", "", "< >", "<@>", "<a@>",
    "<@b.test>", "<a>", "<a@b@c.test>", "<a b@c.test>", "<\"a b\"@c.test>", "<\"a\\\"b\"@c.test>", "<\"a@b.test>", "<a\"b@c.test>",
    "<a@[192.0.2.1]>", "<a@[IPv6:2001:db8::1]>", "<a@[300.1.1.1]>", "<a@[x]>", "<a@192.0.2.1>", "<a@b..test>", "<a@.b.test>",
    "<a@b.test.>", "<a..b@c.test>", "<.a@c.test>", "<a.@c.test>", "<a,b@c.test>", "<a;b@c.test>", "<a:b@c.test>", "<a(b)@c.test>",
    "<@x.test:a@b.test>", "<@x.test,@y.test:a@b.test>", "<@x:a@b.test>", "<a%b@c.test>", "<a!b@c.test>", "<b!a>", "<a%b>",
    "a(comment)@b.test", "Name <a@b.test>", "<Name <a@b.test>>", "<a@b.test>x", "<a@b.test> x", "<a@-b.test>", "<a@b_c.test>",
    "<a@b c.test>", "<a\\@b@c.test>", "<\"\"@c.test>", "<postmaster>", "<postmaster@>", "<a@b>", "<-a@b.test>", "</a@b.test>", "<\"-a\"@b.test>", "<x y <a@b.test>>", "<a@b.test <c@d.test>>", "<<<a@b.test>>>",
    "<Name: <a@b.test>>", "<N <M <a@b.test>>>", "<Name <>>", "<>x", "<> x", "<>x@y.test", "x<>", "<a@b.test><>",
    "<|a@b.test>", "<a/../b@c.test>", "<" + "a" * 300 + "@b.test>", "<a@" + "b" * 300 + ".test>", "<a@" + ".".join(["b" * 60] * 5) + ".test>",
    "<a@xn--bcher-kva.test>", "<MAILER-DAEMON>", "<a+b@virt.test>", "<A@VIRT.TEST>", "<a=b@virt.test>", "<a@virt.test.>", "<a'b@virt.test>",
    "<a*b@virt.test>", "<{a}@virt.test>", "<a@virt.test,b@virt.test>", "<a@\x7fvirt.test>", "<a\tb@virt.test>",
]
OPTIONS = ["SIZE=1", "SIZE=-1", "SIZE=", "SIZE", "SIZE=1x", "SIZE=99999999999999999999999", "SIZE=10240001", "size=5", "BODY=7BIT", "BODY=8BITMIME",
           "BODY=", "BODY=BINARYMIME", "body=8bitmime", "RET=FULL", "RET=HDRS", "RET=", "ret=full", "RET=FULL RET=HDRS", "RET=HDRS RET=HDRS", "ENVID=x ENVID=y", "ENVID=x", "ENVID=",
           "ENVID=a+3Db", "ENVID=a+zz", "ENVID=a=b", "ENVID=" + "x" * 101, "AUTH=<>", "AUTH=a@b.test", "SMTPUTF8", "REQUIRETLS", "FOO", "FOO=BAR",
           "SIZE=1 FOO", "=", "NOTIFY=NEVER", "HOLDFOR=1"]
RCPT_OPTIONS = ["NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=FAILURE,DELAY", "NOTIFY=SUCCESS,SUCCESS", "NOTIFY=NEVER,DELAY", "NOTIFY=", "NOTIFY",
                "NOTIFY=success", "NOTIFY=FOO", "NOTIFY=SUCCESS NOTIFY=DELAY", "NOTIFY=NEVER NOTIFY=NEVER", "ORCPT=rfc822;a@b.test", "ORCPT=rfc822;", "ORCPT=;a", "ORCPT=a", "ORCPT=",
                "ORCPT=rfc822;a+40b.test", "ORCPT=rfc822;a+zz", "ORCPT=rfc822;a b", "ORCPT=utf-8;a@b.test", "ORCPT=x;y ORCPT=x;z", "FOO", "SIZE=1", "RET=FULL"]
HELOS = ["", "x", "client.test", "[127.0.0.1]", "a b", "-x", "x_y", "1.2.3.4", "[x]", "x" * 300, "x;y", "<x>", "x.test."]
COMMANDS = ["", " ", "NOOP", "noop x y", "NOOP\tx", "RSET", "RSET x", "DATA", "DATA x", "QUIT x", "VRFY", "VRFY a", "VRFY a b", "VRFY <a@virt.test>",
            "VRFY nobody@nowhere.test", "ETRN", "ETRN a b", "ETRN x", "ETRN #x", "ETRN @x", "ETRN [1.2.3.4]", "ETRN x_y", "EXPN x",
            "HELP", "HELP MAIL", "TURN", "SEND", "STARTTLS", "STARTTLS x", "AUTH", "AUTH PLAIN", "XCLIENT", "XCLIENT NAME=x", "XFORWARD", "XFORWARD NAME=x", "MAIL", "MAIL FROM",
            "MAIL FROM:", "MAIL FROM <a@b.test>", "MAIL TO:<a@b.test>", "MAILFROM:<a@b.test>", "MAIL  FROM:<a@b.test>", "MAIL FROM :<a@b.test>",
            "mail from:<a@b.test>", "RCPT", "RCPT TO", "RCPT TO:", "RCPT FROM:<a@b.test>", "BDAT 0", "BDAT 0 LAST", "FOO", "FOO: bar", "\x01", "a" * 600,
            "EHLO\tx", "HELO  x", "SAML FROM:<a@b.test>", "DATA\t"]
# (command, Postfix's reply, ours): the differences of docs/differences.md, and nothing else.
UNKNOWN = "500 5.5.2 Error: command not recognized"
COMMAND_LIST = "214 2.0.0 Commands: HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY ETRN HELP"
INTENDED = {("HELP", UNKNOWN, COMMAND_LIST), ("HELP MAIL", UNKNOWN, COMMAND_LIST)}
ROOMY = ("smtpd_hard_error_limit=1000", "smtpd_soft_error_limit=1000", "smtpd_junk_command_limit=1000")


@pytest.fixture(scope="module")
def both(module_folder):
    pair = []
    for suite in (Suite.reference(), Suite.posthouse()):
        mta = Instance(suite, module_folder / suite.name, "mx")
        mta.configure(mail_name="Postfix", virtual_mailbox_maps="static:all/", smtpd_error_sleep_time="0", biff="no")
        mta.roomy = mta.smtpd_service(None, *ROOMY)
        mta.stranger = mta.smtpd_service(None, *ROOMY, "mynetworks=192.0.2.0/24")
        mta.strict = mta.smtpd_service(None, *ROOMY, "strict_rfc821_envelopes=yes")
        mta.small = mta.smtpd_service(None, *ROOMY, "message_size_limit=100000")
        mta.soft = mta.smtpd_service(None, *ROOMY, "soft_bounce=yes")
        pair.append(mta.start())
    yield pair
    for mta in pair:
        mta.check()


def answers(port, lines):
    peer, replies = Peer(("127.0.0.1", port), greet=False), []
    try:
        replies.append(peer.reply().text)
        for line in lines:
            peer.send(line.encode("latin-1") + b"\r\n")
            replies.append(re.sub(r"queued as [0-9A-Z]+", "queued as ID", peer.reply().text))
    except (Closed, ConnectionError):
        replies.append("(closed)")
    peer.close()
    return replies


def compare(both, service, lines):
    reference, ours = (answers(getattr(mta, service), lines) for mta in both)
    asked = ["(connect)", *lines]
    different = [f"{question!r}: Postfix {left!r}, ours {right!r}"
                 for question, left, right in itertools.zip_longest(asked, reference, ours, fillvalue="(none)")
                 if left != right and (question, left, right) not in INTENDED]
    assert not different, f"{len(different)} of {len(asked)} replies differ:\n" + "\n".join(different)


def each_sender(addresses):
    return ["EHLO client.test", *itertools.chain.from_iterable((f"MAIL FROM:{address}", "RSET") for address in addresses)]


def each_recipient(addresses):
    return ["EHLO client.test", "MAIL FROM:<s@client.test>", *(f"RCPT TO:{address}" for address in addresses)]


@pytest.mark.parametrize("service", ["roomy", "stranger", "strict", "soft"])
def test_senders(both, service):
    compare(both, service, each_sender(ADDRESSES))


@pytest.mark.parametrize("service", ["roomy", "stranger", "strict", "soft"])
def test_recipients(both, service):
    compare(both, service, each_recipient(ADDRESSES))


@pytest.mark.parametrize("service", ["roomy", "soft"])
def test_mail_options(both, service):
    compare(both, service, each_sender(f"<s@client.test> {option}" for option in OPTIONS))


def test_rcpt_options(both):
    compare(both, "roomy", each_recipient(f"<r@virt.test> {option}" for option in RCPT_OPTIONS))


@pytest.mark.parametrize("verb", ["HELO", "EHLO"])
def test_helo_names(both, verb):
    compare(both, "roomy", [f"{verb} {name}" for name in HELOS])


@pytest.mark.parametrize("state", ["fresh", "greeted", "mail", "rcpt"])
def test_commands_in_every_state(both, state):
    before = {"fresh": [], "greeted": ["EHLO c.test"], "mail": ["EHLO c.test", "MAIL FROM:<s@client.test>"],
              "rcpt": ["EHLO c.test", "MAIL FROM:<s@client.test>", "RCPT TO:<r@virt.test>"]}[state]
    failures = []
    for command in COMMANDS:
        if state == "rcpt" and command.split(None, 1)[:1] == ["DATA"] and command.strip() == "DATA":
            continue
        try:
            compare(both, "roomy", [*before, command, "NOOP"])
        except AssertionError as difference:
            failures.append(str(difference))
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("line", ["GET / HTTP/1.0", "CONNECT x:25 HTTP/1.0", "POST / HTTP/1.1", "Subject: x", "From: a@b.test"])
def test_commands_of_other_protocols(both, line):
    compare(both, "roomy", ["EHLO c.test", line, "NOOP"])


CHUNK, LAST_CHUNK = "BDAT 5\r\nabc", "BDAT 5 LAST\r\nabc"      # the line end that answers() adds belongs to the chunk


def test_bdat(both):
    for lines in (["BDAT"], ["BDAT x"], ["BDAT -1"], ["BDAT 0 LAST"], ["BDAT 1 2"], ["BDAT 0", "BDAT 0 LAST"], ["BDAT 0", CHUNK, LAST_CHUNK],
                  [CHUNK, "BDAT 0", "BDAT 0 LAST", "NOOP"], [CHUNK, LAST_CHUNK], [CHUNK, "DATA", "RCPT TO:<r@virt.test>", LAST_CHUNK],
                  ["BDAT 0", "DATA"], ["BDAT 0", "RCPT TO:<r@virt.test>"], ["BDAT 0", "MAIL FROM:<x@y.test>"], ["BDAT 0", "RSET", "NOOP"]):
        compare(both, "roomy", ["EHLO c.test", "MAIL FROM:<s@client.test>", "RCPT TO:<r@virt.test>", *lines])


@pytest.mark.parametrize("before", [[], ["MAIL FROM:<s@client.test>"]])
def test_bdat_without_recipients(both, before):
    for lines in (["BDAT 0", "MAIL FROM:<a@b.test>", "RCPT TO:<r@virt.test>", "DATA", "RSET", "DATA"], ["BDAT 0", CHUNK, LAST_CHUNK, "NOOP"],
                  ["BDAT 0", "EHLO c.test", "BDAT 0 LAST"], [CHUNK, CHUNK, LAST_CHUNK, "MAIL FROM:<a@b.test>"], [LAST_CHUNK, "RCPT TO:<r@virt.test>"]):
        compare(both, "roomy", ["EHLO c.test", *before, *lines])


def test_bdat_beyond_the_size_limit(both):
    half, whole = (f"BDAT {size}\r\n" + ("x" * 98 + "\r\n") * (size // 100 - 1) + "x" * 98 for size in (60000, 100100))
    for lines in ([whole, "BDAT 0 LAST", "NOOP"], [half, half, half, "BDAT 0 LAST", "NOOP"]):
        compare(both, "small", ["EHLO c.test", "MAIL FROM:<s@client.test>", "RCPT TO:<r@virt.test>", *lines])


def test_too_many_errors(both):
    for mta in both:
        mta.plain = mta.port
    compare(both, "plain", ["EHLO c.test", *["FOO"] * 25])


def test_a_tide_of_recipients(both):
    compare(both, "roomy", ["EHLO c.test", "MAIL FROM:<s@client.test>", *(f"RCPT TO:<r{number}@virt.test>" for number in range(1010))])
