"""MX, A and the rest of DNS decide where a message goes."""
import pytest

from harness.ports import free_port
from harness.sink import Sink


@pytest.fixture
def port25():
    """Sinks on one port of different loopback addresses."""
    port = free_port()
    sinks = {}

    def make(host):
        sinks[host] = Sink(host=host, port=port)
        return sinks[host]

    make.port = port
    yield make
    for server in sinks.values():
        server.stop()


def route(mta, port25, **more):
    """Everything goes to the MX hosts of mail.test, on the port of the sinks."""
    mta.start(default_transport=f"smtp:mail.test:{port25.port}", **more)


def test_prefers_the_lowest_mx(mta, dns, port25):
    dns.add("mail.test. 60 MX 20 second.mail.test.\nmail.test. 60 MX 10 first.mail.test.\n"
            "first.mail.test. 60 A 127.0.0.41\nsecond.mail.test. 60 A 127.0.0.42\n")
    first, second = port25("127.0.0.41"), port25("127.0.0.42")
    route(mta, port25)
    mta.deliver("a@mail.test")
    first.wait()
    mta.log.wait(rf"relay=first\.mail\.test\[127\.0\.0\.41\]:{port25.port}, .*status=sent")
    assert not second.messages


def test_goes_on_to_the_next_mx(mta, dns, port25):
    dns.add("mail.test. 60 MX 20 second.mail.test.\nmail.test. 60 MX 10 first.mail.test.\n"
            "first.mail.test. 60 A 127.0.0.41\nsecond.mail.test. 60 A 127.0.0.42\n")
    second = port25("127.0.0.42")
    route(mta, port25)
    mta.deliver("a@mail.test")
    second.wait()
    mta.log.wait(rf"^connect to first\.mail\.test\[127\.0\.0\.41\]:{port25.port}: Connection refused$")


def test_a_4xx_greeting_goes_on_to_the_next_mx(mta, dns, port25):
    dns.add("mail.test. 60 MX 20 second.mail.test.\nmail.test. 60 MX 10 first.mail.test.\n"
            "first.mail.test. 60 A 127.0.0.41\nsecond.mail.test. 60 A 127.0.0.42\n")
    port25("127.0.0.41").on("CONNECT", "450 4.3.2 busy")
    second = port25("127.0.0.42")
    route(mta, port25)
    mta.deliver("a@mail.test")
    second.wait()
    mta.log.wait(r"^[0-9A-F]+: host first\.mail\.test\[127\.0\.0\.41\] refused to talk to me: 450 4\.3\.2 busy$")


def test_an_address_without_mx_is_used(mta, dns, port25):
    dns.add("mail.test. 60 A 127.0.0.43\n")
    only = port25("127.0.0.43")
    route(mta, port25)
    mta.deliver("a@mail.test")
    only.wait()


def test_an_unknown_domain_bounces(mta, dns, port25):
    dns.add("other.test. 60 A 127.0.0.43\n")
    route(mta, port25)
    mta.deliver("a@mail.test", sender="alice@virt.test")
    mta.log.wait(r"relay=none, .*dsn=5\.4\.4, status=bounced \(Host or domain name not found\. Name service error for name=mail\.test "
                 r"type=A{1,4}: Host not found\)$")


def test_a_failing_name_server_defers(mta, dns, port25):
    dns.fail("mail.test")
    route(mta, port25)
    mta.deliver("a@mail.test")
    mta.log.wait(r"relay=none, .*dsn=4\.4\.3, status=deferred \(Host or domain name not found\. Name service error for name=mail\.test "
                 r"type=MX: Host not found, try again\)$")


def test_null_mx_bounces(mta, dns, port25):
    dns.add("mail.test. 60 MX 0 .\n")
    route(mta, port25)
    mta.deliver("a@mail.test", sender="alice@virt.test")
    mta.log.wait(r"dsn=5\.1\.0, status=bounced \(Domain mail\.test does not accept mail \(nullMX\)\)$")


def test_mail_for_oneself_loops(mta, dns, port25):
    dns.add("mail.test. 60 MX 10 me.mail.test.\nme.mail.test. 60 A 127.0.0.1\n")
    mta.start(relayhost="")
    mta.deliver("a@mail.test", sender="alice@virt.test")
    mta.log.wait(r"dsn=5\.4\.6, status=bounced \(mail for mail\.test loops back to myself\)$")


def test_brackets_skip_mx(mta, dns, port25):
    dns.add("mail.test. 60 MX 10 first.mail.test.\nfirst.mail.test. 60 A 127.0.0.41\nmail.test. 60 A 127.0.0.44\n")
    direct = port25("127.0.0.44")
    mta.start(relayhost=f"[mail.test]:{port25.port}")
    mta.deliver("a@other.test")
    direct.wait()


NULL_SENDER_KEYS = [("empty_address_relayhost_maps_lookup_key", "sender_dependent_relayhost_maps", "{nexthop}"),
                    ("empty_address_default_transport_maps_lookup_key", "sender_dependent_default_transport_maps", "smtp:{nexthop}")]


@pytest.mark.parametrize("key, maps, value", NULL_SENDER_KEYS, ids=[maps for _, maps, _ in NULL_SENDER_KEYS])
def test_the_null_sender_may_have_another_key_in_tables_of_senders(key, maps, value, mta, sink):
    with Sink() as wrong, Sink() as other:
        rows = f"null@key.test {value.format(nexthop=sink.nexthop)}\n<> {value.format(nexthop=wrong.nexthop)}\n"
        mta.start(relayhost=other.nexthop, **{key: "null@key.test", maps: mta.table("senders", rows)})
        mta.deliver("null@far.test", sender="")
        mta.deliver("some@far.test", sender="some@client.test")
        assert sink.wait()[0].recipients == ["null@far.test"]
        assert other.wait()[0].recipients == ["some@far.test"]
        mta.wait_empty()
        assert not wrong.messages
