"""Settings of the SMTP and LMTP client for single servers: what of their words and DNS records counts, from where they are
spoken to."""
import re

import pytest

from harness.sink import Sink

TO = "x@elsewhere.test"


@pytest.fixture
def server():
    with Sink(extensions=("PIPELINING", "8BITMIME", "DSN", "SIZE 1000000")) as sink:
        yield sink


@pytest.fixture
def lmtp_server():
    with Sink(extensions=("DSN",), lmtp=True) as sink:
        yield sink


def deliver(mta, to=TO):
    """The log line about one message."""
    queue_id, _ = mta.deliver(to, mail_options="RET=HDRS")
    return mta.log.wait(rf"^{queue_id}: to=<{re.escape(to)}>").string


def start(mta, server, **parameters):
    mta.start(relayhost=server.nexthop, smtp_connection_cache_on_demand="no", **parameters)


def mail_line(server):
    return server.wait()[-1].mail_line


@pytest.mark.parametrize("text, silent", [("size, DSN, other", False), ("dsn size silent-discard", True)])
def test_keywords_by_address(mta, server, text, silent):
    start(mta, server, smtp_discard_ehlo_keyword_address_maps=f"inline:{{{{127.0.0.1={text}}}}}")
    deliver(mta)
    assert "RET=" not in mail_line(server) and "SIZE=" not in mail_line(server)
    assert bool(mta.log.grep(r"^discarding EHLO keywords: SIZE DSN$", "smtp")) is not silent


def test_the_list_by_address_replaces_the_general_one(mta, server):
    start(mta, server, smtp_discard_ehlo_keywords="dsn", smtp_discard_ehlo_keyword_address_maps="inline:{127.0.0.1=size}")
    deliver(mta)
    assert "RET=" in mail_line(server) and "SIZE=" not in mail_line(server)


def test_the_general_list_counts_for_other_servers(mta, server):
    start(mta, server, smtp_discard_ehlo_keywords="dsn", smtp_discard_ehlo_keyword_address_maps="inline:{127.0.0.2=size}")
    deliver(mta)
    assert "RET=" not in mail_line(server) and "SIZE=" in mail_line(server)


def test_keywords_of_lmtp_servers(mta, lmtp_server):
    mta.start(transport_maps=f"inline:{{elsewhere.test=lmtp:inet:{lmtp_server.host}:{lmtp_server.port}}}",
              lmtp_discard_lhlo_keyword_address_maps="inline:{127.0.0.1=dsn}")
    deliver(mta)
    assert "RET=" not in mail_line(lmtp_server)


def test_a_table_of_keywords_that_fails_defers(mta, server):
    start(mta, server, smtp_discard_ehlo_keyword_address_maps="fail:x")
    line = deliver(mta)
    assert "dsn=4.3.0, status=deferred (local data error while talking to 127.0.0.1[127.0.0.1])" in line
    mta.log.wait(r"smtp_discard_ehlo_keyword_address_maps map lookup error for 127\.0\.0\.1$", process="smtp")


@pytest.mark.parametrize("keyword, is_size_sent", [("chunking", True), ("8bitmime", False)])
def test_no_size_of_what_will_be_converted(mta, server, keyword, is_size_sent):
    start(mta, server, smtp_discard_ehlo_keyword_address_maps=f"inline:{{127.0.0.1={keyword}}}")
    deliver(mta)
    assert ("SIZE=" in mail_line(server)) is is_size_sent


PIX = [("220 ****02****", True), ("220", True), ("220 * 0 2 *", True), ("220 x ****", False), ("220-\r\n220 ***", False),
       ("220 *1*", False)]


def test_a_pix_firewall_is_known_by_its_greeting(mta, server):
    start(mta, server)
    for greeting, is_pix in PIX:
        server.on("CONNECT", greeting)
        server.commands.clear()
        mta.log.forget()
        deliver(mta)
        assert (server.commands[0][1].split()[0] == "HELO") is is_pix, greeting
        lines = mta.log.grep(rf"enabling PIX workarounds: disable_esmtp for 127\.0\.0\.1\[127\.0\.0\.1\]:{server.port}$", "smtp")
        assert len(lines) == is_pix, greeting


DELAYED = {"smtp_pix_workaround_threshold_time": "0", "smtp_pix_workaround_delay_time": "1"}


@pytest.mark.parametrize("settings, greets, named", [
    ({}, "HELO", "disable_esmtp delay_dotcrlf"),
    ({"smtp_pix_workarounds": "Delay_DotCRLF, other"}, "EHLO", "delay_dotcrlf"),
    ({"smtp_pix_workaround_maps": "inline:{127.0.0.1=delay_dotcrlf}"}, "EHLO", "delay_dotcrlf"),
    ({"smtp_pix_workaround_maps": "inline:{127.0.0.2=disable_esmtp}"}, "HELO", "disable_esmtp delay_dotcrlf"),
    ({"smtp_pix_workaround_maps": "fail:x"}, "HELO", "disable_esmtp delay_dotcrlf"),
    ({"smtp_pix_workarounds": ""}, "EHLO", None),
])
def test_workarounds_for_a_pix_firewall(mta, server, settings, greets, named):
    server.on("CONNECT", "220 **********")
    start(mta, server, **DELAYED, **settings)
    line = deliver(mta)
    assert "status=sent" in line and server.commands[0][1].split()[0] == greets
    assert bool(mta.log.grep(rf": enabling PIX workarounds: {named} for ", "smtp")) is (named is not None)
    delay = float(re.search(r"delays=.*/([\d.]+),", line)[1])
    assert (delay >= 1) is (named is not None and "delay_dotcrlf" in named)
    assert server.messages[0].data.endswith(b"\r\n") and server.messages[0].message_id


def test_lmtp_is_spoken_through_a_pix_firewall(mta, lmtp_server):
    lmtp_server.on("CONNECT", "220 ****")
    mta.start(transport_maps=f"inline:{{elsewhere.test=lmtp:inet:{lmtp_server.host}:{lmtp_server.port}}}",
              lmtp_pix_workaround_threshold_time="0", lmtp_pix_workaround_delay_time="1")
    assert "status=sent" in deliver(mta)
    mta.log.wait(r": enabling PIX workarounds: disable_esmtp delay_dotcrlf for ", process="lmtp")


REPLACED = [
    ("550 5.1.1 no such user", "/^550 5(.*)/ 450 4$1", "dsn=4.1.1, status=deferred", "450 4.1.1 no such user"),
    ("hello\r\n\r\n550 5.1.1 no", "!/^[2-5][0-9][0-9][- ]/ 550-filler", "dsn=5.1.1, status=bounced",
     "550-filler 550-filler 550 5.1.1 no"),
    ("550 5.1.1 t\tb", "/t.b/ 550 5.7.1 other", "dsn=5.7.1, status=bounced", "550 5.7.1 other"),
]


@pytest.mark.parametrize("reply, rule, status, said", REPLACED)
def test_reply_filter(mta, server, reply, rule, status, said):
    server.on("RCPT", reply)
    start(mta, server, smtp_reply_filter=mta.table("filter", rule + "\n", "regexp"))
    line = deliver(mta)
    assert status in line and f"said: {said} (in reply to RCPT TO command)" in line
    last = reply.split("\r\n")[-1 if "hello" not in reply else 0].replace("\t", "?")
    mta.log.wait(rf'^127\.0\.0\.1\[127\.0\.0\.1\]:{server.port}: replacing server reply "{re.escape(last)}" with "', process="smtp")


def test_a_reply_filter_may_make_a_greeting_good_and_take_extensions_away(mta, server):
    server.on("CONNECT", "550 busy")
    start(mta, server, smtp_reply_filter=mta.table("filter", "/^550 busy/ 220 hello\n/^250-DSN/ 250-NSD\n", "regexp"))
    assert "status=sent" in deliver(mta)
    assert "RET=" not in mail_line(server) and "SIZE=" in mail_line(server)


def test_a_reply_filter_that_fails_defers(mta, server):
    start(mta, server, smtp_reply_filter="fail:x")
    line = deliver(mta)
    assert "dsn=4.3.0, status=deferred (local data error while talking to 127.0.0.1[127.0.0.1])" in line
    mta.log.wait(r": table fail:x lookup error for 220 sink\.test ESMTP$", process="smtp")
    assert [command for _, command in server.commands] == ["QUIT"]


@pytest.mark.parametrize("address", ["127.0.0.9", "[127.0.0.9]"])
def test_bind_address(mta, server, address):
    start(mta, server, smtp_bind_address=address)
    deliver(mta)
    assert server.client_addresses[1] == "127.0.0.9"


@pytest.mark.parametrize("enforce", ["no", "yes"])
def test_a_bind_address_that_is_not_ours(mta, server, enforce):
    start(mta, server, smtp_bind_address="192.0.2.77", smtp_bind_address_enforce=enforce)
    line = deliver(mta)
    mta.log.wait(r"smtp_connect_addr: bind 192\.0\.2\.77: Cannot assign requested address$", process="smtp")
    if enforce == "no":
        assert "status=sent" in line
    else:
        assert "relay=none, " in line and "dsn=4.4.0, status=deferred (server configuration error)" in line
        mta.log.wait(r"^server configuration error$", process="smtp")


ZONE = """two.test. 60 MX 10 a.two.test.
two.test. 60 MX 20 b.two.test.
a.two.test. 60 A 127.0.0.3
b.two.test. 60 A 127.0.0.1
plain.test. 60 A 127.0.0.1
host.search.test. 60 A 127.0.0.1
up.there.search.test. 60 A 127.0.0.1
last.other.test. 60 A 127.0.0.1
"""


def start_with_dns(mta, dns, server, **parameters):
    dns.add(ZONE)
    mta.start(smtp_tcp_port=server.port, smtp_host_lookup="dns", smtp_connection_cache_on_demand="no", **parameters)


@pytest.mark.needs_root("the DNS server listens at port 53 for the reference")
@pytest.mark.parametrize("rule, domain, dropped, end", [
    (r"/^a\.two\.test\. [0-9]+ in a 127\.0\.0\.3$/ ignore", "two.test", ["a.two.test. N IN A 127.0.0.3"],
     "relay=b.two.test[127.0.0.1]"),
    (r"/^two\.test\. [0-9]+ IN MX 10 a\.two\.test\.$/ IGNORE it", "two.test", ["two.test. N IN MX 10 a.two.test."],
     "relay=b.two.test[127.0.0.1]"),
    (r"/ IN MX / IGNORE", "two.test", ["two.test. N IN MX 10 a.two.test.", "two.test. N IN MX 20 b.two.test."],
     "relay=none, D, dsn=4.7.0, status=deferred (Error looking up name=two.test type=MX: DNS reply filter drops all results)"),
    (r"/ IN A / IGNORE", "plain.test", ["plain.test. N IN A 127.0.0.1"],
     "relay=none, D, dsn=4.7.0, status=deferred (Error looking up name=plain.test type=A: DNS reply filter drops all results)"),
    (r"/ IN A / other", "plain.test", [],
     "relay=none, D, dsn=4.4.3, status=deferred (Error looking up name=plain.test type=A: Invalid DNS reply filter syntax)"),
])
def test_dns_reply_filter(mta, dns, server, rule, domain, dropped, end):
    start_with_dns(mta, dns, server, smtp_dns_reply_filter=mta.table("filter", rule + "\n", "regexp"))
    line = deliver(mta, f"x@{domain}")
    assert end in re.sub(r"delay=.*delays=[^,]*", "D", line)
    lines = [re.sub(r" \d+ IN", " N IN", match.string) for match in mta.log.grep(r"^ignoring DNS RR: ", "smtp")]
    assert sorted(lines) == [f"ignoring DNS RR: {record}" for record in dropped]
    if "other" in rule:
        mta.log.wait(r'smtp_dns_reply_filter: unknown DNS filter action: "other"$', process="smtp")


@pytest.mark.needs_root("a resolv.conf of its own")
@pytest.mark.parametrize("options, domains", [
    ("", {"host": False}), ("res_defnames", {"host": True, "up.there": False, "last": False}),
    ("res_dnsrch", {"host": False, "up.there": True}), ("res_defnames, res_dnsrch", {"last": True}),
])
def test_dns_resolver_options(mta, dns, server, options, domains):
    path = mta.folder / "resolv.conf"
    path.write_text(f"nameserver {dns.host}\nsearch search.test other.test\n")
    path.chmod(0o644)
    mta.mounts["/etc/resolv.conf"] = path
    start_with_dns(mta, dns, server, smtp_dns_resolver_options=options)
    for domain, is_found in domains.items():
        line = deliver(mta, f"x@{domain}")
        if is_found:
            assert f"relay={domain}[127.0.0.1]:{server.port}, " in line
        else:
            assert f"status=bounced (Host or domain name not found. Name service error for name={domain} type=A: Host not found)" in line
