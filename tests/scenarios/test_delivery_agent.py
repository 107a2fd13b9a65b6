"""The smtp and lmtp programs alone, against scripted peers: what goes over the wire, reuse, several servers."""
import select
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))
from delivery_agent import DeliveryAgent  # noqa: E402
from harness.dns import DnsServer         # noqa: E402
from harness.suite import Suite           # noqa: E402
from harness.waiting import wait_for      # noqa: E402
from smtp_script import CLOSE, Peer       # noqa: E402

pytestmark = pytest.mark.posthouse_only("drives one program of ours")
PLAIN = {"EHLO": "250 peer.test"}
RICH = {"EHLO": "250-peer.test\n250-PIPELINING\n250-SIZE 10000\n250-8BITMIME\n250-DSN\n250-XFORWARD NAME ADDR PROTO HELO "
                "SOURCE PORT IDENT\n250 SMTPUTF8"}


@pytest.fixture
def agents():
    started = []

    def start(*settings, program="smtp"):
        agent = DeliveryAgent(Suite.posthouse().daemons / program, settings, program)
        started.append(agent)
        return agent

    yield start
    for agent in started:
        status, output = agent.stop()
        assert (status, output) == (0, "")


def to(peer):
    return f"[127.0.0.1]:{peer.port}"


def test_a_connection_is_used_again(agents):
    agent, peer = agents(), Peer({})
    lines = [agent.deliver(to(peer), ["r@x.test"]).lines()[0] for _ in range(3)]
    assert peer.connections == 1
    assert ["conn_use=2" in line for line in lines] == [False, True, False]
    assert "conn_use=3" in lines[2]
    assert "RSET" not in peer.transcript


def test_a_given_up_transaction_is_reset_before_reuse(agents):
    agent, peer = agents(), Peer(dict(PLAIN, RCPT=["550 5.1.1 no", "250 ok"]))
    assert agent.deliver(to(peer), ["r@x.test"]).outcomes == ["bounced"]
    assert agent.deliver(to(peer), ["r@x.test"]).outcomes == ["delivered"]
    assert peer.connections == 1 and peer.transcript.count("RSET") == 1


class Dripping(Peer):
    """Its reply to EHLO comes a byte now and then, as long as anybody listens."""
    def say(self, connection, text):
        if not text.startswith("250-peer.test"):
            return super().say(connection, text)
        connection.sendall(b"250-")
        while True:
            connection.sendall(b"x")
            if select.select([connection], [], [], 0.1)[0]:
                return False


@pytest.mark.parametrize("program", ["smtp", "lmtp"])
def test_a_server_that_drips_is_timed_out(agents, program):
    limit = {"smtp": "smtp_helo_timeout", "lmtp": "lmtp_lhlo_timeout"}[program]
    agent = agents(f"{limit} = 2s", f"{program}_per_request_deadline = yes", program=program)
    delivered = agent.deliver(to(Dripping({}, lmtp=program == "lmtp")), ["r@x.test"])
    assert delivered.outcomes == ["deferred"] and "timed out while performing the " in delivered.lines()[0]


def test_limits_of_reuse(agents):
    peer = Peer({})
    agent = agents("smtp_connection_reuse_count_limit = 2")
    for _ in range(4):
        agent.deliver(to(peer), ["r@x.test"])
    assert peer.connections == 2
    other = Peer({})
    agent = agents("smtp_connection_cache_on_demand = no")
    for _ in range(2):
        agent.deliver(to(other), ["r@x.test"])
    assert other.connections == 2
    wait_for(lambda: other.transcript.count("QUIT") == 2, "two goodbyes")


def test_a_connection_is_kept_for_its_time(agents):
    """Nobody uses it: it ends by itself. Somebody uses it again and again: it ends, too."""
    idle = Peer({})
    agents("smtp_connection_cache_time_limit = 1s").deliver(to(idle), ["r@x.test"])
    wait_for(lambda: idle.transcript.count("QUIT") == 1, "the goodbye of an idle connection")
    used = Peer({})
    agent = agents("smtp_connection_reuse_time_limit = 1s", "smtp_connection_cache_time_limit = 1000s")
    agent.deliver(to(used), ["r@x.test"])
    wait_for(lambda: agent.deliver(to(used), ["r@x.test"]) and used.connections > 1, "a new connection")


@pytest.mark.parametrize("answer", [CLOSE, "421 4.4.2 idle too long|CLOSE"])
def test_a_kept_connection_that_was_closed_is_replaced(agents, answer):
    agent, peer = agents(), Peer({"MAIL": ["250 ok", answer, "250 ok"]})
    for _ in range(2):
        delivered = agent.deliver(to(peer), ["r@x.test"])
        assert delivered.outcomes == ["delivered"] and delivered.destination is None
    assert peer.connections == 2
    assert "conn_use" not in delivered.lines()[0]


def test_dsn_8bit_and_size_parameters(agents):
    agent, peer = agents(), Peer(RICH)
    agent.deliver(to(peer), ["a+b@x.test"], encoding="8bit", envelope_id="id+1", ret=2, notify=6, message_size=99)
    assert "MAIL FROM:<s@example.test> SIZE=99 BODY=8BITMIME RET=HDRS ENVID=id+2B1" in peer.transcript
    assert "RCPT TO:<a+b@x.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@x.test" in peer.transcript


def test_addresses_are_quoted_and_the_null_sender_is_empty(agents):
    agent, peer = agents(), Peer(PLAIN)
    agent.deliver(to(peer), ["a b@x.test"], sender="")
    assert "MAIL FROM:<>" in peer.transcript and 'RCPT TO:<"a b"@x.test>' in peer.transcript


def test_8bit_content_is_converted_for_an_old_server(agents):
    agent, peer = agents(), Peer(PLAIN)
    lines = [b"Subject: x", b"MIME-Version: 1.0", b"Content-Type: text/plain; charset=utf-8",
             b"Content-Transfer-Encoding: 8bit", b"", "grün = gut".encode(), b".", b"end "]
    agent.deliver(to(peer), ["r@x.test"], lines=lines, encoding="8bit")
    content = next(part for part in peer.transcript if isinstance(part, bytes))
    assert b"Content-Transfer-Encoding: quoted-printable" in content
    assert b"gr=C3=BCn =3D gut\r\n" in content
    assert content.isascii()
    agent, peer = agents("disable_mime_output_conversion = yes"), Peer(PLAIN)
    agent.deliver(to(peer), ["r@x.test"], lines=lines, encoding="8bit")
    assert "grün".encode() in next(part for part in peer.transcript if isinstance(part, bytes))


def test_smtputf8_is_required_when_an_address_needs_it(agents):
    agent, peer = agents(), Peer({})
    delivered = agent.deliver(to(peer), ["r@x.test"], sender="ü@example.test", send_options=1 | 4)
    assert delivered.outcomes == ["bounced"]
    assert "dsn=5.6.7" in delivered.lines()[0]
    assert "(SMTPUTF8 is required, but was not offered by host 127.0.0.1[127.0.0.1])" in delivered.lines()[0]
    rich = Peer(RICH)
    assert agent.deliver(to(rich), ["r@x.test"], sender="ü@example.test", send_options=1 | 4).outcomes == ["delivered"]
    assert any(isinstance(line, str) and line.endswith(" SMTPUTF8") for line in rich.transcript)


def test_long_lines_are_broken(agents):
    agent, peer = agents("smtp_line_length_limit = 20"), Peer({})
    delivered = agent.deliver(to(peer), ["r@x.test"], lines=["Subject: x", "", "a" * 50])
    content = next(part for part in peer.transcript if isinstance(part, bytes))
    assert max(map(len, content.split(b"\r\n"))) == 20
    assert content.replace(b"\r\n ", b"").endswith(b"a" * 50 + b"\r\n")
    assert any("breaking line > 20 bytes with <CR><LF>SPACE" in line for line in delivered.lines(2))


def test_a_large_message_arrives_whole(agents):
    agent, peer = agents(), Peer({})
    lines = ["Subject: x", ""] + [f"{i:06d} " + "x" * 60 for i in range(20000)]
    assert agent.deliver(to(peer), ["r@x.test"], lines=lines).outcomes == ["delivered"]
    content = next(part for part in peer.transcript if isinstance(part, bytes))
    assert content == "".join(line + "\r\n" for line in lines).encode()


def test_many_recipients_do_not_block_the_conversation(agents):
    agent, peer = agents(), Peer({"RCPT <r7@x.test>": "550 5.1.1 no"})
    delivered = agent.deliver(to(peer), [f"r{i}@x.test" for i in range(3000)], timeout=60)
    assert delivered.outcomes.count("delivered") == 2999 and delivered.outcomes[7] == "bounced"
    assert delivered.marks == "D" * 3000


def test_xforward(agents):
    client = [("log_client_name", "mx.o.test"), ("log_client_address", "192.0.2.9"), ("log_client_port", "77"),
              ("log_protocol_name", "ESMTP"), ("log_helo_name", "he lo")]
    agent, peer = agents("smtp_send_xforward_command = yes"), Peer(RICH)
    delivered = agent.deliver(to(peer), ["r@x.test"], client=client)
    assert "XFORWARD NAME=mx.o.test ADDR=192.0.2.9 PORT=77" in peer.transcript
    assert f"XFORWARD PROTO=ESMTP HELO=he+20lo IDENT={delivered.queue_id} SOURCE=LOCAL" in peer.transcript


def test_servers_are_found_by_mx(agents):
    zone = """two.test. 60 MX 10 a.two.test.
two.test. 60 MX 20 b.two.test.
a.two.test. 60 A 127.0.0.3
b.two.test. 60 A 127.0.0.1
null.test. 60 MX 0 .
"""
    dns = DnsServer(zone)
    try:
        dns.fail("broken.test.")
        agent, peer = agents(f"dns_resolver_servers = 127.0.0.1:{dns.port}", "inet_protocols = ipv4"), Peer({})
        delivered = agent.deliver(f"two.test:{peer.port}", ["r@two.test"])
        assert f"relay=b.two.test[127.0.0.1]:{peer.port}, " in delivered.lines()[0]
        assert f"connect to a.two.test[127.0.0.3]:{peer.port}: Connection refused" in agent.log()
        texts = {
            "null.test": "dsn=5.1.0, status=bounced (Domain null.test does not accept mail (nullMX))",
            "gone.test": "dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for name=gone.test "
                         "type=A: Host not found)",
            "broken.test": "dsn=4.4.3, status=deferred (Host or domain name not found. Name service error for "
                           "name=broken.test type=MX: Host not found, try again)"}
        for domain, text in texts.items():
            assert text in agent.deliver(domain, [f"r@{domain}"]).lines()[0]
    finally:
        dns.stop()


def test_generic_maps_change_envelope_and_headers(agents):
    agent = agents("smtp_generic_maps = inline:{ {s@local.test = s@world.test}, {@in.test = @out.test} }")
    peer = Peer(PLAIN)
    lines = ["From: S <s@local.test>", "To: r@in.test,", "\tother@x.test", "X-To: r@in.test", "", "s@local.test"]
    agent.deliver(to(peer), ["r@in.test", "q@x.test"], sender="s@local.test", lines=lines)
    assert "MAIL FROM:<s@world.test>" in peer.transcript
    assert "RCPT TO:<r@out.test>" in peer.transcript and "RCPT TO:<q@x.test>" in peer.transcript
    content = next(part for part in peer.transcript if isinstance(part, bytes)).decode()
    assert "From: S <s@world.test>\r\n" in content and "r@out.test" in content and "other@x.test" in content
    assert "X-To: r@in.test\r\n\r\ns@local.test\r\n" in content


def test_a_failing_generic_map_defers(agents):
    agent, peer = agents("smtp_generic_maps = fail:x"), Peer({})
    delivered = agent.deliver(to(peer), ["r@x.test"])
    assert delivered.outcomes == ["deferred"] and delivered.marks == "R"
    assert not any(isinstance(part, str) and part.startswith("MAIL") for part in peer.transcript)


PROBE, USER_PROBE = 256, 512


def test_probes_never_deliver(agents):
    agent, peer = agents(), Peer({"RCPT <no@x.test>": "550 5.1.1 no"})
    delivered = agent.deliver(to(peer), ["r@x.test", "no@x.test"], flags=PROBE)
    assert "DATA" not in peer.transcript
    assert "status=deliverable (250 2.1.5 Ok)" in delivered.lines()[0] + delivered.lines()[1]
    assert any("status=undeliverable (host 127.0.0.1[127.0.0.1] said: 550 5.1.1 no" in line for line in delivered.lines())
    assert delivered.marks == "DD" and len(agent.verified) == 2 and agent.appended == []
    agent.deliver(to(peer), ["r@x.test"], flags=USER_PROBE)
    assert [service for service, _ in agent.appended] == ["trace"]


def test_a_probe_may_ask_up_to_data(agents):
    agent, peer = agents("smtp_address_verify_target = data"), Peer({})
    assert "status=deliverable (250 2.1.5 Ok)" in agent.deliver(to(peer), ["r@x.test"], flags=PROBE).lines()[0]
    assert "DATA" in peer.transcript
    refusing = Peer({"DATA": "554 5.7.1 no"})
    assert "status=undeliverable" in agent.deliver(to(refusing), ["r@x.test"], flags=PROBE).lines()[0]


def test_next_hops_are_tried_in_order(agents):
    agent = agents()
    first, second = Peer({"RCPT <later@x.test>": "450 4.2.0 later", "RCPT <never@x.test>": "550 5.1.1 no"}), Peer({})
    delivered = agent.deliver(f"{to(first)}, {to(second)}", ["now@x.test", "later@x.test", "never@x.test"])
    assert delivered.outcomes == ["delivered", "delivered", "bounced"]
    lines = delivered.lines(4)
    assert f"{delivered.queue_id}: host 127.0.0.1[127.0.0.1] said: 450 4.2.0 later (in reply to RCPT TO command)" in lines
    assert any("to=<later@x.test>" in line and f":{second.port}," in line for line in lines)


def test_the_fallback_relay_takes_what_fails_for_now(agents):
    fallback = Peer({})
    agent = agents(f"smtp_fallback_relay = {to(fallback)}")
    broken = Peer({"greeting": "421 4.3.2 busy|CLOSE"})
    assert agent.deliver(to(broken), ["r@x.test"]).outcomes == ["delivered"]
    refusing = Peer({"RCPT": "550 5.1.1 no"})
    assert agent.deliver(to(refusing), ["r@x.test"]).outcomes == ["bounced"]
    assert fallback.connections == 1


def test_trouble_with_the_destination_is_told(agents):
    agent, peer = agents(), Peer({"greeting": "421 4.3.2 busy|CLOSE"})
    delivered = agent.deliver(to(peer), ["r@x.test"])
    assert delivered.outcomes == ["deferred"] and b"refused to talk to me" in delivered.destination
    mailbox = Peer({"RCPT": "450 4.2.0 later"})
    assert agent.deliver(to(mailbox), ["r@x.test"]).destination is None


def test_a_message_cut_off_by_a_bad_file_is_never_completed(agents):
    agent, peer = agents(), Peer({})
    lines = ["Subject: x", ""] + ["x" * 1000] * 200 + [b"\x00"]
    original = agent.deliver.__globals__["queue_file"]

    def broken(*arguments):
        data, offsets, data_offset, content = original(*arguments)
        return data[:data_offset + 150000] + b"\x00\xff\xff\xff\xff\xff", offsets, data_offset, content

    agent.deliver.__globals__["queue_file"] = broken
    try:
        delivered = agent.deliver(to(peer), ["r@x.test"], lines=lines)
    finally:
        agent.deliver.__globals__["queue_file"] = original
    assert delivered.status == 3 and delivered.marks == "R"
    assert not any(isinstance(part, bytes) and part.endswith(b".\r\n") for part in peer.transcript)


def test_lmtp_results_are_per_recipient(agents):
    agent = agents(program="lmtp")
    peer = Peer({"dot": ["250 2.0.0 a", "452 4.2.2 full", "550 5.2.1 gone"]}, lmtp=True)
    delivered = agent.deliver(f"inet:{to(peer)}", ["a@x.test", "b@x.test", "c@x.test"])
    assert delivered.outcomes == ["delivered", "deferred", "bounced"] and delivered.marks == "DRD"
    assert any("status=deferred (host 127.0.0.1[127.0.0.1] said: 452 4.2.2 full (in reply to end of DATA command))" in
               line for line in delivered.lines())


def test_lmtp_over_a_unix_socket(agents):
    agent = agents(program="lmtp")
    path = agent.spool / "private" / "store"
    peer = Peer({}, lmtp=True, unix=str(path))
    path.chmod(0o666)
    delivered = agent.deliver("unix:private/store", ["a@x.test"])
    assert delivered.outcomes == ["delivered"]
    assert "relay=mx.example.test[private/store], " in delivered.lines()[0]
    delivered = agent.deliver("unix:private/none", ["a@x.test"])
    assert "(connect to mx.example.test[private/none]: No such file or directory)" in delivered.lines()[0]
    assert peer.connections == 1


def test_several_requests_at_once(agents):
    import threading
    agent, peer = agents(), Peer({})
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(agent.deliver(to(peer), ["r@x.test"]).outcomes))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [["delivered"]] * 20
