"""A virtual mail server: relay domains and routes in btree:, virtual domains in hash:, recipients that the backend
answers for. The configuration is that of documents/000.

Left out of the text: the master.cf lines for `local` and `verify`, which the default has. The tables of
check_*_access are named by the document and written here. The cache has the default name; the document lists that of
an older release. The line for @wetter.nausch.org is among the document's explanations, not in its listing. The document
looks at the cache of the running system; since Postfix 2.6 postmap waits then until verify ends, so the system is stopped."""
import re

import pytest

from harness.document import BLOCKLISTS, Document, ask, stranger
from harness.dovecot import Dovecot
from harness.sink import Sink
from harness.waiting import wait_for

ZONE = BLOCKLISTS + """
nausch.org. 60 MX 10 mx1.nausch.org.
mx1.nausch.org. 60 A 127.0.0.1
imap.intra.nausch.org. 60 A 127.0.0.1
omni128.de. 60 MX 10 mx1.nausch.org.
wetter.nausch.org. 60 MX 10 mx1.nausch.org.
wetterstation-pliening.info. 60 MX 10 mx1.nausch.org.
ebersberger-liedersammlung.de. 60 MX 10 mx1.nausch.org.
elsewhere.test. 60 A 127.0.0.9
"""
UNKNOWN = ("550-Mailbox unknown.  Either there is no mailbox associated with this\r\n"
           "550-name or you do not have authorization to see it.\r\n550 5.1.1 User unknown")
SAID = ("host {host}[127.0.0.1] said: 550-Mailbox unknown.  Either there is no mailbox associated with this "
        "550-name or you do not have authorization to see it. 550 5.1.1 User unknown (in reply to RCPT TO command)")


def host(mta, dns):
    dns.add(ZONE)
    mta.configure(myhostname="mx1.nausch.org", mydomain="nausch.org", myorigin="$mydomain", mydestination="$myhostname, localhost",
                  mynetworks="127.0.0.1/32", virtual_mailbox_domains="", virtual_mailbox_maps="", address_verify_poll_delay="1s",
                  address_verify_poll_count="20")


def relaying(mta, dns, port):
    host(mta, dns)
    document = Document("000", mta, {":24": f":{port}"})
    document.access_tables()
    document.tables("btree", "transport_maps", "relay_domains")
    document.main("main.cf.relay", "main.cf.recipient")
    return document


@pytest.fixture
def cyrus(lmtp_sink):
    """The backend that the document talks to, in its words."""
    lmtp_sink.on("RCPT", "250 2.1.5 ok")
    lmtp_sink.on("RCPT", UNKNOWN, match="peer.heinlein")
    return lmtp_sink


def test_a_recipient_that_the_backend_knows(mta, dns, cyrus):
    relaying(mta, dns, cyrus.port)
    mta.start()
    with stranger(mta) as peer:
        peer.deliver("django@nausch.org", "swat@nausch.org")
        peer.quit()
    connected = mta.log.wait(r"^connect from unknown\[127\.0\.0\.45\]$", process="smtpd")
    assert connected
    probe = mta.log.wait(r"^(\w+): message-id=<\d{14}\.(\w+)@mx1\.nausch\.org>$", process="cleanup")
    assert probe[1] == probe[2]
    mta.log.wait(rf"^{probe[1]}: from=<double-bounce@nausch\.org>, size=\d+, nrcpt=1 \(queue active\)$", process="qmgr")
    mta.log.wait(rf"^{probe[1]}: to=<django@nausch\.org>, relay=imap\.intra\.nausch\.org\[127\.0\.0\.1\]:{cyrus.port}, delay=[\d.]+, "
                 r"delays=[\d./]+, dsn=2\.1\.5, status=deliverable \(250 2\.1\.5 ok\)$", process="lmtp")
    mta.log.wait(rf"^{probe[1]}: removed$", process="qmgr")
    mta.log.wait(r"^\w+: client=unknown\[127\.0\.0\.45\]$", process="smtpd")
    mta.log.wait(r"^disconnect from unknown\[127\.0\.0\.45\]", process="smtpd")
    taken, = cyrus.wait()
    assert (taken.sender, taken.recipients) == ("swat@nausch.org", ["django@nausch.org"])
    mta.wait_empty()


def test_a_recipient_that_the_backend_does_not_know(mta, dns, cyrus):
    relaying(mta, dns, cyrus.port)
    mta.start()
    said = SAID.format(host="imap.intra.nausch.org")
    with stranger(mta) as peer:
        reply = ask(peer, "peer.heinlein@nausch.org")
        assert reply.text == ("450 4.1.1 <peer.heinlein@nausch.org>: Recipient address rejected: unverified address: " + said)
        assert ask(peer, "peer.heinlein@nausch.org").text == reply.text
        peer.quit()
    line = mta.log.wait(r"^(\w+): to=<peer\.heinlein@nausch\.org>, .*, dsn=5\.1\.1, status=undeliverable \((.*)\)$", process="lmtp")
    assert line[2] == said
    mta.log.wait(rf"^{line[1]}: removed$", process="qmgr")
    mta.log.wait("^" + re.escape("NOQUEUE: reject: RCPT from unknown[127.0.0.45]: " + reply.text + "; from=<swat@nausch.org> "
                                 "to=<peer.heinlein@nausch.org> proto=SMTP helo=<ich>") + "$", 2, process="smtpd")
    assert sum("peer.heinlein" in command for _, command in cyrus.commands) == 1, "the second answer is from the cache"
    assert not cyrus.messages and not mta.queued()


def test_the_cache_is_shown_and_edited_with_postmap(mta, dns, cyrus):
    relaying(mta, dns, cyrus.port)
    mta.start()
    with stranger(mta) as peer:
        assert ask(peer, "django@nausch.org").code == 250
        assert ask(peer, "peer.heinlein@nausch.org").code == 450
    mta.stop()
    path = f"btree:{mta.data}/verify_cache"
    rows = mta.rows(path)
    assert re.fullmatch(r"0:0:\d{10}:250 2\.1\.5 ok", rows["django@nausch.org"])
    assert re.fullmatch(r"2:0:\d{10}:" + re.escape(SAID.format(host="imap.intra.nausch.org")), rows["peer.heinlein@nausch.org"])
    mta.run("postmap", "-d", "peer.heinlein@nausch.org", path)
    cyrus.clear()
    mta.start()
    with stranger(mta) as peer:
        assert ask(peer, "peer.heinlein@nausch.org").code == 250
    probed = [command for _, command in cyrus.commands if command.startswith("RCPT") and "django" in command]
    assert len(probed) == 1, "what was learnt before the restart is still known"


def test_the_defaults_that_the_document_lists(mta):
    wanted = {"address_verify_positive_refresh_time": "7d", "address_verify_positive_expire_time": "31d",
              "address_verify_negative_refresh_time": "3h", "address_verify_negative_expire_time": "3d",
              "address_verify_sender": "$double_bounce_sender", "double_bounce_sender": "double-bounce"}
    shown = [line for line in mta.run("postconf", *wanted).stdout.splitlines() if "warning" not in line]
    assert shown == [f"{name} = {value}" for name, value in wanted.items()]


def test_who_is_refused(mta, dns, cyrus):
    relaying(mta, dns, cyrus.port)
    mta.start()
    with stranger(mta) as peer:
        assert ask(peer, "any@elsewhere.test").text == "454 4.7.1 <any@elsewhere.test>: Relay access denied"
        assert ask(peer, "django@nausch.org", "swat@nosuch.test").text.startswith(
            "450 4.1.8 <swat@nosuch.test>: Sender address rejected: Domain not found")
        assert ask(peer, "django@nausch.org", "swat").text == \
            "504 5.5.2 <swat>: Sender address rejected: need fully-qualified address"
        assert ask(peer, "django@nausch.org", "spammer@client.test").text == \
            "554 5.7.1 <spammer@client.test>: Sender address rejected: Access denied"
        assert ask(peer, "closed@nausch.org").text == "550 5.7.1 <closed@nausch.org>: Recipient address rejected: this mailbox is closed"
    with stranger(mta, "127.0.0.66") as peer:
        assert ask(peer, "django@nausch.org").text == "554 5.7.1 <unknown[127.0.0.66]>: Client host rejected: no mail from there"
        assert ask(peer, "postmaster@nausch.org").code == 250
    with stranger(mta, helo="liar.test") as peer:
        assert ask(peer, "django@nausch.org").text == "554 5.7.1 <liar.test>: Helo command rejected: we know who you are not"
    with stranger(mta, "127.0.0.2") as peer:
        assert ask(peer, "django@nausch.org").text == \
            "554 5.7.1 Service unavailable; Client host [127.0.0.2] blocked using zen.spamhaus.org; listed by zen"
    with stranger(mta, "127.0.0.3") as peer:
        assert ask(peer, "django@nausch.org").text == \
            "554 5.7.1 Service unavailable; Client host [mail.spam.test] blocked using multi.uribl.com; listed by uribl"
    assert not any(command.startswith("RCPT") and "elsewhere" in command for _, command in cyrus.commands)


def test_own_networks_are_not_verified(mta, dns, cyrus):
    relaying(mta, dns, cyrus.port)
    mta.start()
    with mta.peer() as peer:
        assert ask(peer, "peer.heinlein@nausch.org").code == 250
    assert not any("peer.heinlein" in command for _, command in cyrus.commands)


def test_a_changed_table_is_used_after_postmap_and_reload(mta, dns, cyrus):
    relaying(mta, dns, cyrus.port)
    mta.start()
    with stranger(mta) as peer:
        assert ask(peer, "any@elsewhere.test").code == 454
    path = mta.config / "relay_domains"
    path.write_text(path.read_text() + f"elsewhere.test lmtp:[imap.intra.nausch.org]:{cyrus.port}\n")
    mta.run("postmap", f"btree:{path}")
    mta.apply()
    with stranger(mta) as peer:
        assert ask(peer, "any@elsewhere.test").code == 250


def test_with_dovecot_as_the_backend(mta, dns, folder):
    if not Dovecot.is_installed():
        pytest.skip("dovecot-lmtpd is not installed")
    dovecot = Dovecot(folder / "dovecot", ("django@nausch.org", "michael@omni128.de")).start()
    try:
        relaying(mta, dns, dovecot.port)
        mta.start()
        with stranger(mta) as peer:
            peer.deliver("django@nausch.org", "swat@nausch.org")
            peer.deliver("michael@omni128.de", "swat@nausch.org")
            refused = ask(peer, "peer.heinlein@nausch.org")
        assert refused.text == (
            "450 4.1.1 <peer.heinlein@nausch.org>: Recipient address rejected: unverified address: host "
            "imap.intra.nausch.org[127.0.0.1] said: 550 5.1.1 <peer.heinlein@nausch.org> User doesn't exist: "
            "peer.heinlein@nausch.org (in reply to RCPT TO command)")
        message, = dovecot.maildir("django@nausch.org").wait_parsed()
        assert message["Return-Path"] == "<swat@nausch.org>" and message["Delivered-To"] == "django@nausch.org"
        dovecot.maildir("michael@omni128.de").wait()
        mta.wait_empty()
    finally:
        dovecot.stop()


# --- the other half of the document: virtual alias domains --------------------------------------------------

def virtual(mta, dns, port):
    host(mta, dns)
    mta.configure(mydestination="$mydomain, $myhostname, localhost", local_recipient_maps="")
    document = Document("000", mta, {":24": f":{port}"})
    document.access_tables()
    document.tables("btree", "transport_maps", "relay_domains")
    document.install("virtual_alias_domains", "virtual_alias_maps")
    with open(mta.config / "virtual_alias_maps", "a") as file:
        file.write("@wetter.nausch.org @nausch.org\n")
    document.main("main.cf.relay", "main.cf.virtual", "main.cf.recipient")
    # Without a type, as the document does: the default type is hash.
    for name in ("virtual_alias_domains", "virtual_alias_maps"):
        mta.run("postmap", mta.config / name)
        assert (mta.config / f"{name}.db").exists()


@pytest.mark.parametrize("asked, final", [
    ("webmaster@wetter.nausch.org", "webmaster@nausch.org"), ("admin@wetterstation-pliening.info", "michael@nausch.org"),
    ("other@wetterstation-pliening.info", "other@nausch.org"), ("any@omni128.de", "any@nausch.org")])
def test_virtual_addresses(asked, final, mta, dns, cyrus):
    virtual(mta, dns, cyrus.port)
    mta.start()
    with stranger(mta) as peer:
        peer.deliver(asked, "swat@nausch.org")
    taken, = cyrus.wait()
    assert taken.recipients == [final]
    mta.log.wait(rf"to=<{re.escape(final)}>, orig_to=<{re.escape(asked)}>, relay=imap\.intra\.nausch\.org\S*, .*status=sent ", process="lmtp")


def test_virtual_addresses_are_verified_too(mta, dns, cyrus):
    virtual(mta, dns, cyrus.port)
    mta.start()
    with stranger(mta) as peer:
        reply = ask(peer, "peer.heinlein@omni128.de")
        assert reply.text == ("450 4.1.1 <peer.heinlein@omni128.de>: Recipient address rejected: unverified address: "
                              + SAID.format(host="imap.intra.nausch.org"))
        # With `relay_domains =` nothing is relayed that is in no other class.
        assert ask(peer, "any@ebersberger-liedersammlung.de").code == 454
    wait_for(lambda: not mta.queued(), "the probe leaves the queue")


def test_two_backends_at_once_answer_for_their_own(mta, dns, cyrus):
    """Routes of the first table win over those of the second."""
    with Sink(lmtp=True) as other:
        document = relaying(mta, dns, cyrus.port)
        mta.table("transport_maps", document.text("transport_maps") + f"omni128.de lmtp:[imap.intra.nausch.org]:{other.port}\n", "btree")
        mta.start()
        with stranger(mta) as peer:
            peer.deliver(["one@omni128.de", "two@nausch.org"], "swat@nausch.org")
        assert other.wait()[0].recipients == ["one@omni128.de"]
        assert cyrus.wait()[0].recipients == ["two@nausch.org"]
