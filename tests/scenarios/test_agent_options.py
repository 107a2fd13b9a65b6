"""Settings of the SMTP and LMTP client that change what goes over the wire, or what is made of an answer."""
import pytest

from harness.dns import DnsServer
from harness.sink import Sink


def helo_of(sink):
    return [line.split()[0].upper() for _, line in sink.commands if line[:4].upper() in ("EHLO", "HELO")]


@pytest.mark.parametrize("always, never, greeting, expected", [
    ("yes", "no", "220 sink.test plain", ["EHLO"]), ("no", "no", "220 sink.test plain", ["HELO"]),
    ("no", "no", "220 sink.test ESMTP", ["EHLO"]), ("yes", "yes", "220 sink.test ESMTP", ["HELO"])])
def test_when_ehlo_is_sent(mta, sink, always, never, greeting, expected):
    sink.on("CONNECT", greeting)
    mta.start(relayhost=sink.nexthop, smtp_always_send_ehlo=always, smtp_never_send_ehlo=never)
    _, message_id = mta.deliver("one@elsewhere.test")
    assert sink.wait_for_message(message_id)
    assert helo_of(sink) == expected


@pytest.mark.parametrize("skips, status, dsn", [("yes", "deferred", r"4\.0\.0"), ("no", "bounced", r"5\.0\.0")])
def test_a_greeting_that_refuses(mta, sink, skips, status, dsn):
    sink.on("CONNECT", "554 sink.test no service")
    mta.start(relayhost=sink.nexthop, smtp_skip_5xx_greeting=skips)
    queue_id, _ = mta.deliver("one@elsewhere.test", sender="alice@virt.test")
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>.*dsn={dsn}, status={status} ")


@pytest.mark.parametrize("quotes, sender", [("yes", '"ow ner"@virt.test'), ("no", "ow ner@virt.test")])
def test_quotes_in_the_envelope(mta, sink, quotes, sender):
    mta.start(relayhost=sink.nexthop, smtp_quote_rfc821_envelope=quotes)
    mta.sendmail("-f", '"ow ner"@virt.test', "one@elsewhere.test", message=b"Subject: x\n\nx\n")
    assert sink.wait()[0].sender == sender


def test_name_and_address_of_the_client(mta, sink):
    clients = []
    mta.start(relayhost=sink.nexthop, smtp_helo_name="other.name.test", smtp_bind_address="127.0.0.77")
    sink.on("EHLO", lambda session, argument: clients.append(session.socket.getpeername()[0]) or "250 sink.test")
    _, message_id = mta.deliver("one@elsewhere.test")
    assert sink.wait_for_message(message_id).helo == "other.name.test"
    assert clients == ["127.0.0.77"]


def test_ehlo_keywords_that_are_not_heard(mta, sink):
    mta.start(relayhost=sink.nexthop, smtp_discard_ehlo_keywords="dsn, pipelining")
    mta.sendmail("-N", "failure", "one@elsewhere.test", message=b"Subject: x\n\nx\n")
    mta.sendmail("-B", "8BITMIME", "one@elsewhere.test", message=b"Subject: x\n\nx\n")
    first, second = sink.wait(2)
    assert "NOTIFY" not in first.rcpt_lines[0] and "ORCPT" not in first.rcpt_lines[0]
    assert "BODY=8BITMIME" in first.mail_line + second.mail_line


def many_hosts(mta, dns_server, **parameters):
    """The next hop's MX hosts are 127.0.0.61, .62 and .63 in this order; all listen on one port."""
    dns = dns_server("mx.test. 60 MX 1 a.mx.test.\nmx.test. 60 MX 2 b.mx.test.\nmx.test. 60 MX 3 c.mx.test.\n"
                     "a.mx.test. 60 A 127.0.0.61\nb.mx.test. 60 A 127.0.0.62\nc.mx.test. 60 A 127.0.0.63")
    first = Sink("127.0.0.61")
    sinks = [first, Sink("127.0.0.62", first.port), Sink("127.0.0.63", first.port)]
    for sink in sinks[:2]:
        sink.on("RCPT", "451 4.2.0 later")
    dns.serve(mta)
    mta.start(relayhost=f"mx.test:{first.port}", smtp_randomize_addresses="no", **parameters)
    return sinks


@pytest.fixture
def dns_server():
    started = []

    def start(zone):
        started.append(DnsServer.on_port_53(zone))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.mark.needs_root("port 53")
@pytest.mark.parametrize("limit, sessions, status", [("2", [1, 1, 0], "deferred"), ("3", [1, 1, 1], "sent")])
def test_sessions_for_one_message(mta, dns_server, limit, sessions, status):
    sinks = many_hosts(mta, dns_server, smtp_mx_session_limit=limit)
    queue_id, _ = mta.deliver("one@elsewhere.test")
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>.* status={status} ")
    assert [sink.sessions for sink in sinks] == sessions
    for sink in sinks:
        sink.stop()


@pytest.mark.needs_root("port 53")
@pytest.mark.parametrize("ignores, status", [("no", "deferred"), ("yes", "sent")])
def test_an_mx_lookup_that_fails(mta, dns_server, ignores, status):
    dns = dns_server("a.test. 60 A 127.0.0.64")
    dns.serve(mta)
    dns.fail("a.test", "MX")
    with Sink("127.0.0.64") as sink:
        mta.start(relayhost=f"a.test:{sink.port}", ignore_mx_lookup_error=ignores)
        queue_id, _ = mta.deliver("one@elsewhere.test")
        mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>.* status={status} ")


@pytest.mark.parametrize("is_final, action", [("yes", "delivered"), ("no", "relayed")])
def test_what_an_lmtp_server_took(mta, is_final, action):
    with Sink(lmtp=True, extensions=("PIPELINING",)) as server:
        mta.start(transport_maps=f"inline:{{elsewhere.test=lmtp:inet:{server.nexthop}}}", lmtp_assume_final=is_final)
        mta.sendmail("-N", "success", "-f", "alice@virt.test", "one@elsewhere.test", message=b"Subject: x\n\nx\n")
        [report] = mta.maildir("alice").wait_parsed()
    assert f"Action: {action}\n" in str(report).replace("\r", "")
