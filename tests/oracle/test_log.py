"""The same sessions and operations on our suite and on Debian's: the log lines must be the same, but for ids, times and ports."""
import collections
import re

import pytest

from harness.instance import Instance
from harness.peer import Closed, Peer
from harness.sink import Sink
from harness.suite import Suite
from harness.waiting import wait_for

pytestmark = pytest.mark.needs_root("the reference")
HEAD = ("EHLO client.test", "MAIL FROM:<s@virt.test>", "RCPT TO:<alice@virt.test>")
TEXT = ("Message-Id: <fixed@client.test>", "Subject: x", "", "text", ".", "QUIT")
# name: lines to smtpd, answered one by one
SESSIONS = {
    "accepted": [*HEAD, "DATA", *TEXT],
    "without an id": [*HEAD, "DATA", "Subject: x", "", "text", ".", "QUIT"],
    "several": [*HEAD, "RCPT TO:<bob@virt.test>", "RCPT TO:<nobody@virt.test>", "DATA", *TEXT],
    "null sender": ["HELO client.test", "MAIL FROM:<>", "RCPT TO:<alice@virt.test>", "DATA", *TEXT],
    "BDAT": [*HEAD, "BDAT 18 LAST\r\nSubject: two\r\n\r\n", "QUIT"],
    "broken BDAT": [*HEAD, "BDAT x"],
    "null BDAT": [*HEAD, "BDAT 0", "QUIT"],
    "relay denied": ["EHLO c.test", "MAIL FROM:<s@other.test>", "RCPT TO:<x@elsewhere.test>", "QUIT"],
    "unknown user": ["EHLO c.test", "MAIL FROM:<s@other.test>", "RCPT TO:<nobody@virt.test>", "RCPT TO:<\"a b\"@virt.test>", "QUIT"],
    "bad addresses": ["EHLO c.test", "MAIL FROM:<a b@c.test>", "MAIL FROM:<s@client.test>", "RCPT TO:<a@b@@c>", "RCPT TO:<>", "QUIT"],
    "unknown command": ["EHLO c.test", "FOO bar", "QUIT"],
    "HTTP": ["GET / HTTP/1.1"],
    "header": ["EHLO c.test", "Subject: x"],
    "too many errors": ["EHLO c.test", *["FOO"] * 6],
    "too large": ["EHLO c.test", "MAIL FROM:<s@client.test> SIZE=999999999", "QUIT"],
    "grows too large": [*HEAD, "DATA", "Message-Id: <large@client.test>", "", *["x" * 90] * 1500, ".", "QUIT"],
    "long line": ["EHLO c.test", "NOOP " + "x" * 3000, "QUIT"],
    "pipelining": ["EHLO c.test\r\nNOOP", "NOOP", "QUIT"],
    "pipelining without EHLO": ["HELO c.test", "NOOP\r\nNOOP", "QUIT"],
    "too large for the peer": ["EHLO c.test", "MAIL FROM:<s@virt.test>", "RCPT TO:<ok@elsewhere.test>", "DATA", "Message-Id: <fixed@client.test>", "",
                               *["x" * 90] * 40, ".", "QUIT"],
    "ETRN": ["EHLO c.test", "ETRN other.test", "QUIT"],
    "VRFY": ["EHLO c.test", "VRFY nobody@virt.test", "VRFY alice@virt.test", "QUIT"],
    "XCLIENT refused": ["EHLO c.test", "XCLIENT NAME=x", "QUIT"],
    "rejected client": ["EHLO bad.test", "MAIL FROM:<s@client.test>", "RCPT TO:<alice@virt.test>", "QUIT"],
    "actions": ["EHLO c.test", "MAIL FROM:<warn@a.test>", "RCPT TO:<alice@virt.test>", "RSET", "MAIL FROM:<hold@a.test>", "RCPT TO:<alice@virt.test>", "RSET",
                "MAIL FROM:<discard@a.test>", "RCPT TO:<alice@virt.test>", "RSET", "MAIL FROM:<filter@a.test>", "RCPT TO:<alice@virt.test>", "RSET",
                "MAIL FROM:<redirect@a.test>", "RCPT TO:<alice@virt.test>", "RSET", "MAIL FROM:<defer@a.test>", "RCPT TO:<alice@virt.test>", "QUIT"],
    "held": ["EHLO c.test", "MAIL FROM:<hold@a.test>", "RCPT TO:<alice@virt.test>", "DATA", *TEXT],
    "held too": ["EHLO c.test", "MAIL FROM:<hold@a.test>", "RCPT TO:<alice@virt.test>", "DATA", *TEXT],
    "discarded": ["EHLO c.test", "MAIL FROM:<discard@a.test>", "RCPT TO:<alice@virt.test>", "DATA", "Message-Id: <discarded@client.test>", *TEXT[1:]],
    "redirected": ["EHLO c.test", "MAIL FROM:<redirect@a.test>", "RCPT TO:<alice@virt.test>", "DATA", *TEXT],
    "resent": [*HEAD, "DATA", "Resent-From: a@virt.test", "Resent-Message-Id: <again@client.test>", "Message-Id: <fixed@client.test>", "", "x", ".", "QUIT"],
    "too many hops": [*HEAD, "DATA", "Message-Id: <fixed@client.test>", *["Received: by x"] * 55, "", "x", ".", "QUIT"],
    "forwarded": ["EHLO c.test", "XFORWARD NAME=fw.test ADDR=192.0.2.9 IDENT=ABC123", *HEAD[1:], "DATA", *TEXT],
    "unknown recipient": ["EHLO c.test", "MAIL FROM:<s@virt.test>", "RCPT TO:<gone@elsewhere.test>", "RCPT TO:<refuses@elsewhere.test>", "RCPT TO:<ok@elsewhere.test>", "DATA", *TEXT],
    "error transport": ["EHLO c.test", "MAIL FROM:<s@virt.test>", "RCPT TO:<x@error.test>", "RCPT TO:<x@retry.test>", "RCPT TO:<x@discard.test>", "DATA", *TEXT],
    "no transport": ["EHLO c.test", "MAIL FROM:<s@virt.test>", "RCPT TO:<x@nothing.test>", "DATA", *TEXT],
    "local": ["EHLO c.test", "MAIL FROM:<s@virt.test>", "RCPT TO:<games@mx.example.test>", "RCPT TO:<team@mx.example.test>", "RCPT TO:<nobody-here@mx.example.test>", "DATA", *TEXT],
    "aliases": ["EHLO c.test", "MAIL FROM:<s@virt.test>", "RCPT TO:<both@virt.test>", "DATA", *TEXT],
}
CLOSED_EARLY = {"connect": [], "greeted": ["EHLO c.test"], "mail": list(HEAD[:2]), "rcpt": list(HEAD), "data": [*HEAD, "DATA", "Subject: half"], "rset": [*HEAD, "RSET"]}
# Lines that only one side has: of messages that are given up before or after cleanup saw their header, of an internal error
# of the reference that means nothing, the last one of a master that the reference's postlogd may miss, and of commands that
# are not installed.
INTENDED = [r"message-id=<(large|discarded)@", "mail_stream_cleanup: close error", "master: terminating on signal 15",
            r"warning: not .*/sbin/post(drop|queue)$"]


def configure(mta, sink):
    spool = mta.folder / "spool"
    spool.mkdir()
    spool.chmod(0o1777)
    mta.configure(
        mail_name="Postfix", biff="no", message_size_limit="100000", smtpd_error_sleep_time="0", smtpd_hard_error_limit="6", smtpd_soft_error_limit="5",
        smtpd_relay_restrictions="reject_unauth_destination", relay_domains="elsewhere.test, error.test, retry.test, discard.test, nothing.test",
        smtpd_helo_restrictions="check_helo_access inline:{{bad.test=REJECT no}}", relayhost=sink.nexthop, smtpd_authorized_xforward_hosts="127.0.0.0/8",
        smtpd_sender_restrictions="check_sender_access inline:{{warn@a.test=WARN told},{hold@a.test=HOLD kept},{discard@a.test=DISCARD silently},"
        "{filter@a.test=FILTER smtp:[127.0.0.1]:1},{redirect@a.test=REDIRECT bob@virt.test},{defer@a.test=DEFER_IF_PERMIT later}}",
        transport_maps="inline:{{error.test=error:5.1.2 no such place},{retry.test=retry:4.3.1 not now},{discard.test=discard:away},{nothing.test=nosuch:}}",
        mail_spool_directory=f"{spool}/", alias_maps="inline:{{team=alice@virt.test}}", local_recipient_maps="",
        virtual_alias_maps="inline:{{both@virt.test=alice@virt.test bob@virt.test}}", smtp_connection_cache_on_demand="no",
        virtual_mailbox_maps="inline:{{alice@virt.test=alice/},{bob@virt.test=bob/},{s@virt.test=s/}}")
    mta.service("pickup", wakeup=1)


def converse(mta, lines, ends=True):
    peer = Peer(("127.0.0.1", mta.port), greet=False)
    try:
        peer.reply()
        in_text = False
        for line in lines:
            peer.send(line.encode() + b"\r\n")
            if in_text and line != ".":
                continue
            in_text = peer.reply().code == 354
        if ends:
            peer.is_closed()
    except (Closed, ConnectionError):
        pass
    peer.close()


def settled(mta):
    """Nothing is under way: what became active is gone, or waits for its next time."""
    active, removed = (collections.Counter(match[1] for match in mta.log.grep(pattern, "qmgr"))
                       for pattern in (r"^(\w+): from=.*\(queue active\)$", r"^(\w+): removed$"))
    left = set((active - removed).elements()) - set(mta.queued("deferred"))
    connects, disconnects = (len(mta.log.grep(pattern, "smtpd")) for pattern in ("^connect from", "^disconnect from"))
    return not left and not mta.queued("maildrop", "incoming", "active") and connects == disconnects


def play(mta):
    """Everything that is compared, one after the other."""
    mta.start()
    for lines in SESSIONS.values():
        converse(mta, lines)
    for lines in CLOSED_EARLY.values():
        converse(mta, lines, ends=False)
    mta.sendmail("-f", "s@virt.test", "alice@virt.test", message=b"Message-Id: <local@client.test>\nSubject: x\n\nx\n")
    mta.sendmail("-bv", "-f", "s@virt.test", "alice@virt.test", message=b"")
    wait_for(lambda: settled(mta), lambda: f"the mail settles; queue {mta.queued()}\n{mta.log.text()[-3000:]}")
    held = mta.queued("hold")
    mta.run("postsuper", "-H", held[0], "-d", held[1])
    mta.run("postsuper", "-h", "ALL", "deferred")
    mta.run("postsuper", "-e", "ALL", "hold")
    mta.run("postsuper", "-d", "ALL")
    mta.reload()
    mta.stop()
    return comparable(mta)


def comparable(mta):
    lines = []
    for line in mta.log.lines():
        text = line.text.replace(str(mta.folder), "FOLDER")
        text = re.sub(r"delay=[\d.]+, delays=[\d./]+, ", "", text)
        text = re.sub(r"message-id=<\d{14}\.\w+@", "message-id=<DATE.ID@", text)
        text = re.sub(r"\b[0-9A-F]{9,12}\b", "ID", text)
        text = re.sub(r"size(=| )\d+", r"size\1N", text)
        text = re.sub(r"\]:\d{4,5}\b", "]:PORT", text)
        text = re.sub(r"version \S+,", "version V,", text)
        lines.append(f"{line.ident}: {text}")
    return sorted(lines)


@pytest.fixture(scope="module")
def both(module_folder):
    found = {}
    for suite in (Suite.reference(), Suite.posthouse()):
        with Sink(extensions=("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SIZE 2000")) as sink:
            sink.on("RCPT", "550 5.1.1 no such user", match="gone@")
            sink.on("RCPT", "451 4.2.0 busy", match="refuses@")
            mta = Instance(suite, module_folder / suite.name)
            configure(mta, sink)
            found[suite.name] = play(mta)
            mta.check()
    return found


def test_same_lines(both):
    reference, ours = (collections.Counter(line for line in both[name] if not any(re.search(pattern, line) for pattern in INTENDED))
                       for name in ("reference", "posthouse"))
    missing = [f"- {line}" for line in sorted((reference - ours).elements())]
    added = [f"+ {line}" for line in sorted((ours - reference).elements())]
    assert not missing and not added, "\n" + "\n".join(missing + added)
