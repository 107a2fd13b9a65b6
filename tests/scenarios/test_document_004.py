"""A relay and fallback server whose domains are in MySQL. The configuration is that of documents/004.

Nothing of it is left out, but debug_peer_list and debug_peer_level do nothing (docs/differences.md). The continuation lines of smtpd_recipient_restrictions are indented here, as they must be;
the published text lost that. `permit_sasl_authenticated` permits nobody."""
import pytest

from harness.document import Document, ask, stranger
from harness.waiting import wait_for

ZONE = """
friet.pan. 60 MX 10 mail.friet.pan.
mail.friet.pan. 60 A 127.0.0.1
other.pan. 60 A 127.0.0.9
"""


@pytest.fixture
def document(mta, dns, mariadb):
    dns.add(ZONE)
    mta.configure(mynetworks="127.0.0.1/32", virtual_mailbox_domains="", virtual_mailbox_maps="")
    document = Document("004", mta, {"hosts = 127.0.0.1": f"hosts = 127.0.0.1:{mariadb.port}", "PASSWORD": "geheim"})
    mariadb.sql(document.text("schema.sql"))
    document.install("mysql-relay-domains.cf", "mysql-transport-domains.cf")
    document.main("main.cf", "main.cf.maps")
    return document


def add_domain(mariadb, domain, host, port):
    mariadb.sql(f"INSERT INTO domains (domain, relay_host, relay_port) VALUES ('{domain}', '{host}', {port});", "mail")


def test_no_open_relay(mta, document):
    mta.start()
    with mta.peer(greet=False, source=("127.0.0.45", 0)) as peer:
        peer.expect(220)
        assert "250-SIZE 524288000" in peer.command("EHLO localhost", 250).lines
        peer.command("MAIL FROM: <test@friet.pan>", 250)
        assert peer.command("RCPT TO: <test@friet.pan>").text == "454 4.7.1 <test@friet.pan>: Relay access denied"
    mta.log.wait(r"^NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.45\]: 454 4\.7\.1 <test@friet\.pan>: Relay access denied; "
                 r"from=<test@friet\.pan> to=<test@friet\.pan> proto=ESMTP helo=<localhost>$", process="smtpd")
    assert not mta.queued()


def test_a_domain_is_relayed_as_soon_as_it_is_in_the_table(mta, document, mariadb, sink):
    mta.start()
    with stranger(mta, esmtp=True) as peer:
        assert ask(peer, "early@friet.pan", "test@friet.pan").code == 454
        add_domain(mariadb, "friet.pan", "mail.friet.pan", sink.port)
        peer.command("RSET", 250)
        peer.deliver("test@friet.pan", "test@friet.pan")
        # parent_domain_matches_subdomains has relay_domains by default.
        assert ask(peer, "test@sub.friet.pan", "test@friet.pan").text == \
            "450 4.1.2 <test@sub.friet.pan>: Recipient address rejected: Domain not found"
        assert ask(peer, "test@other.pan", "test@friet.pan").code == 454
        peer.quit()
    taken, = sink.wait()
    assert taken.recipients == ["test@friet.pan"]
    mta.log.wait(rf"to=<test@friet\.pan>, relay=mail\.friet\.pan\[127\.0\.0\.1\]:{sink.port}, .*status=sent ")


def test_mail_is_kept_while_the_primary_server_is_away(mta, document, mariadb, sink):
    add_domain(mariadb, "friet.pan", "mail.friet.pan", sink.port)
    sink.on("CONNECT", "421 4.3.2 closed for today")
    mta.start()
    with stranger(mta) as peer:
        peer.deliver("test@friet.pan", "test@friet.pan")
    mta.log.wait(r"to=<test@friet\.pan>, .*status=deferred ")
    mta.wait_queue("deferred", 1)
    sink.clear()
    mta.run("postqueue", "-f")
    assert sink.wait()[0].recipients == ["test@friet.pan"]
    mta.wait_empty()


def test_what_the_restrictions_refuse(mta, document, mariadb, sink):
    add_domain(mariadb, "friet.pan", "mail.friet.pan", sink.port)
    mta.start()
    with mta.peer(greet=False, source=("127.0.0.45", 0)) as peer:
        peer.expect(220)
        assert peer.command("MAIL FROM:<test@friet.pan>").text == "503 5.5.1 Error: send HELO/EHLO first"
        peer.command("HELO -bad-", 250)
        assert ask(peer, "test@friet.pan", "test@friet.pan").text == "501 5.5.2 <-bad->: Helo command rejected: Invalid name"
        peer.command("HELO ich", 250)
        assert ask(peer, "test@friet.pan", "test").text == "504 5.5.2 <test>: Sender address rejected: need fully-qualified address"
        assert ask(peer, "test@friet.pan", "test@nosuch.test").code == 450
        assert peer.command("VRFY test@friet.pan").text == "502 5.5.1 VRFY command is disabled"
        peer.command("RSET", 250)
        assert peer.command("MAIL FROM:test@friet.pan").code == 501
        peer.command("MAIL FROM:<test@friet.pan>", 250)
        assert peer.command("RCPT TO:<nobody@localhost>").text == \
            "504 5.5.2 <nobody@localhost>: Recipient address rejected: need fully-qualified address"


def test_wrong_credentials_are_a_temporary_error(mta, document):
    path = mta.config / "mysql-relay-domains.cf"
    path.write_text(path.read_text().replace("geheim", "falsch"))
    mta.start()
    with stranger(mta) as peer:
        assert ask(peer, "test@friet.pan", "test@friet.pan").text == "451 4.3.0 <test@friet.pan>: Temporary lookup failure"
    mta.log.wait(r"Access denied for user 'mail'@'")


@pytest.mark.posthouse_only("the reference waits as long as the client library")
def test_a_database_that_hangs_is_a_temporary_error(mta, document, mariadb, sink):
    add_domain(mariadb, "friet.pan", "mail.friet.pan", sink.port)
    for name in ("mysql-relay-domains.cf", "mysql-transport-domains.cf"):
        path = mta.config / name
        path.write_text(path.read_text() + "timeout = 2\n")
    mta.start()
    mariadb.hang()
    try:
        with stranger(mta) as peer:
            assert ask(peer, "test@friet.pan", "test@friet.pan").text == "451 4.3.0 <test@friet.pan>: Temporary lookup failure"
    finally:
        mariadb.resume()
    with stranger(mta) as peer:
        wait_for(lambda: ask(peer, "test@friet.pan", "test@friet.pan").code == 250, "the database is asked again")


@pytest.mark.parametrize("local_part", ("x'", "' OR '1'='1", "x\\\\' OR 1=1 -- ", "'; DROP TABLE domains; -- "))
def test_hostile_addresses_open_nothing(local_part, mta, document, mariadb, sink):
    add_domain(mariadb, "friet.pan", "mail.friet.pan", sink.port)
    mta.start()
    with stranger(mta) as peer:
        assert ask(peer, f'"{local_part}"@other.pan', "test@friet.pan").code == 454
        assert ask(peer, f'"{local_part}"@friet.pan', "test@friet.pan").code == 250
        assert ask(peer, "test@x'or'1'='1.pan", "test@friet.pan").code // 100 in (4, 5)
    assert mariadb.sql("SELECT COUNT(*) FROM domains", "mail").strip() == "1"


def test_a_hundred_sessions_share_a_few_connections(mta, document, mariadb, sink):
    add_domain(mariadb, "friet.pan", "mail.friet.pan", sink.port)
    mta.start()
    before = int(mariadb.sql("SHOW STATUS LIKE 'Connections'").split()[1])
    peers = [stranger(mta, f"127.0.1.{number % 10 + 1}") for number in range(50 if mta.suite.is_reference else 100)]
    try:
        for peer in peers:
            peer.send("MAIL FROM:<test@friet.pan>\r\n")
        for peer in peers:
            peer.expect(250)
            peer.send("RCPT TO:<test@friet.pan>\r\n")
        for peer in peers:
            peer.expect(250)
    finally:
        for peer in peers:
            peer.close()
    # The status question itself connects too.
    assert int(mariadb.sql("SHOW STATUS LIKE 'Connections'").split()[1]) - before <= 10
