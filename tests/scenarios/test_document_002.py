"""A mail host whose domains, mailboxes and aliases are in MySQL, with Dovecot behind it. The configuration is that of
documents/002, its part about tables and routes.

Left out: the part about SASL, with its parameters smtpd_sasl_* and broken_sasl_auth_clients, which is a subject of its
own. The document names the mysql_*.cf files and the schema of postfixadmin without showing them; those here are ours."""
import os
import re
import shutil

import pytest

from harness.document import BLOCKLISTS, Document, ask, stranger
from harness.dovecot import Dovecot
from harness.instance import IS_ROOT

ZONE = BLOCKLISTS + """
nausch.org. 60 MX 10 mx1.nausch.org.
mx1.nausch.org. 60 A 127.0.0.1
omni128.de. 60 MX 10 mx1.nausch.org.
elsewhere.test. 60 A 127.0.0.9
off.test. 60 A 127.0.0.9
"""
TABLES = ["mysql_virtual_domains_maps.cf", "mysql_virtual_alias_maps.cf", "mysql_virtual_alias_domain_maps.cf",
          "mysql_virtual_alias_domain_catchall_maps.cf", "mysql_virtual_mailbox_maps.cf",
          "mysql_virtual_alias_domain_mailbox_maps.cf"]


@pytest.fixture
def backend(folder):
    if not Dovecot.is_installed():
        pytest.skip("dovecot-lmtpd is not installed")
    server = Dovecot(folder / "dovecot", ("michael@nausch.org", "django@nausch.org")).start()
    yield server
    server.stop()


@pytest.fixture
def document(mta, dns, mariadb, backend):
    dns.add(ZONE)
    mta.configure(myhostname="mx1.nausch.org", mydomain="nausch.org", myorigin="$mydomain", mydestination="localhost",
                  mynetworks="127.0.0.1/32", virtual_mailbox_maps="", address_verify_poll_delay="1s", address_verify_poll_count="20")
    document = Document("002", mta, {
        "hosts = 127.0.0.1": f"hosts = 127.0.0.1:{mariadb.port}", "PASSWORD": "geheim",
        "[10.0.0.70]:24": f"[127.0.0.1]:{backend.port}", "/var/spool/postfix": str(mta.queue)})
    mariadb.sql(document.text("schema.sql"))
    document.install(*TABLES)
    document.access_tables()
    data = mta.queue / "data"
    data.mkdir(mode=0o700)
    if IS_ROOT:
        shutil.chown(data, "postfix", "root")
    document.main("main.cf.virtual", "main.cf.verify", "main.cf.recipient")
    return document


def test_mail_arrives_in_dovecot(mta, document, backend):
    mta.start()
    with stranger(mta) as peer:
        peer.deliver("michael@nausch.org", "swat@client.test")
        peer.deliver("all@nausch.org", "swat@client.test")
        peer.deliver("django@omni128.de", "swat@client.test")
        peer.quit()
    messages = backend.maildir("michael@nausch.org").wait_parsed(2)
    for message in messages:
        assert message["Return-Path"].strip() == "<swat@client.test>"
        assert any("with LMTP" in received for received in message.get_all("Received"))
    # Dovecot tells the recipient only if a transaction has a single one.
    assert any(message["Delivered-To"] == "michael@nausch.org" for message in messages)
    backend.maildir("django@nausch.org").wait(2)
    relay = rf"relay=127\.0\.0\.1\[127\.0\.0\.1\]:{backend.port}"
    mta.log.wait(rf"to=<michael@nausch\.org>, {relay}, .*dsn=2\.1\.\d, status=deliverable \(250 2\.1\.\d OK\)$", process="lmtp")
    mta.log.wait(rf"to=<michael@nausch\.org>, {relay}, .*status=sent \(250 2\.0\.0 .* Saved\)$", process="lmtp")
    mta.log.wait(rf"to=<michael@nausch\.org>, orig_to=<all@nausch\.org>, {relay}, .*status=sent ", process="lmtp")
    mta.log.wait(rf"to=<django@nausch\.org>, orig_to=<django@omni128\.de>, {relay}, .*status=sent ", process="lmtp")
    mta.wait_empty()


def test_who_is_refused(mta, document, backend):
    mta.start()
    with stranger(mta) as peer:
        # The backend is asked before the tables are.
        assert ask(peer, "nobody@nausch.org").text.startswith(
            "450 4.1.1 <nobody@nausch.org>: Recipient address rejected: unverified address: ")
        assert ask(peer, "closed@nausch.org").code == 550
        assert ask(peer, "any@elsewhere.test").text == "454 4.7.1 <any@elsewhere.test>: Relay access denied"
        assert ask(peer, "any@off.test").text == "454 4.7.1 <any@off.test>: Relay access denied"
        assert ask(peer, "michael@nausch.org", "swat@nosuch.test").code == 450
        # In the tables, but not in the backend.
        assert ask(peer, "peer.heinlein@nausch.org").text == (
            "450 4.1.1 <peer.heinlein@nausch.org>: Recipient address rejected: unverified address: host "
            "127.0.0.1[127.0.0.1] said: 550 5.1.1 <peer.heinlein@nausch.org> User doesn't exist: "
            "peer.heinlein@nausch.org (in reply to RCPT TO command)")
    with stranger(mta, "127.0.0.2") as peer:
        assert ask(peer, "michael@nausch.org").text == \
            "554 5.7.1 Service unavailable; Client host [127.0.0.2] blocked using zen.spamhaus.org; listed by zen"
    with stranger(mta, "127.0.0.3") as peer:
        assert ask(peer, "michael@nausch.org").text == \
            "554 5.7.1 Service unavailable; Client host [mail.spam.test] blocked using multi.uribl.com; listed by uribl"


def test_what_the_tables_do_not_have(mta, document):
    document.main("main.cf.virtual", "main.cf.verify")
    mta.start()
    with stranger(mta) as peer:
        for recipient in ("nobody@nausch.org", "closed@nausch.org", "nobody@omni128.de"):
            assert ask(peer, recipient).text == \
                f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"
        assert ask(peer, "peer.heinlein@nausch.org").code == 250


def test_a_catch_all_in_the_table(mta, document, mariadb, backend):
    mariadb.sql("UPDATE alias SET active = 1 WHERE address = '@nausch.org'", "postfix")
    mta.start()
    with stranger(mta) as peer:
        peer.deliver("whoever@nausch.org", "swat@client.test")
        peer.deliver("whoever@omni128.de", "swat@client.test")
    backend.maildir("django@nausch.org").wait(2)


def test_the_cache_is_where_the_document_puts_it(mta, document, backend):
    mta.start()
    with stranger(mta) as peer:
        assert ask(peer, "michael@nausch.org").code == 250
        assert ask(peer, "peer.heinlein@nausch.org").code == 450
    mta.stop()
    path = f"btree:{mta.queue}/data/verify"
    rows = mta.rows(path)
    assert re.fullmatch(r"0:0:\d{10}:250 2\.1\.\d OK", rows["michael@nausch.org"])
    assert rows["peer.heinlein@nausch.org"].startswith("2:0:")
    assert os.path.exists(f"{mta.queue}/data/verify.db")


@pytest.mark.parametrize("local_part", ("x'", "' OR '1'='1", "'; DROP TABLE alias; -- ", "' UNION SELECT 'michael"))
def test_hostile_addresses_open_nothing(local_part, mta, document, mariadb, backend):
    document.main("main.cf.virtual", "main.cf.verify")
    mta.start()
    with stranger(mta) as peer:
        for domain in ("nausch.org", "omni128.de"):
            assert ask(peer, f'"{local_part}"@{domain}').code == 550
        assert ask(peer, f'"{local_part}"@elsewhere.test').code == 454
    assert mariadb.sql("SELECT COUNT(*) FROM alias", "postfix").strip() == "4"


@pytest.mark.posthouse_only("does not load its mysql module inside the chroot")
@pytest.mark.needs_root("chroot")
def test_verify_and_proxymap_in_a_chroot(mta, document, backend):
    """The tables of proxymap are looked for inside, as in any chroot; the cache of verify is opened before."""
    jail = mta.queue / str(mta.config).lstrip("/")
    jail.mkdir(parents=True)
    for directory in (jail, *jail.parents):
        if directory == mta.queue:
            break
        directory.chmod(0o755)
    for name in TABLES:
        shutil.copy(mta.config / name, jail / name)
    for name in ("verify", "proxymap"):
        mta.service(name, chroot="y")
    mta.start()
    with stranger(mta) as peer:
        peer.deliver("michael@nausch.org", "swat@client.test")
        assert ask(peer, "nobody@nausch.org").code == 450
    backend.maildir("michael@nausch.org").wait(1)
