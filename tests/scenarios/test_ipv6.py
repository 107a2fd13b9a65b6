"""Mail over IPv6: in from ::1, out to ::1, and how its addresses are written."""
import re

import pytest

from harness.peer import Peer
from harness.ports import free_port
from harness.sink import Sink


@pytest.fixture
def six(mta):
    """An instance that listens on ::1 too; `port6` is its port there."""
    mta.port6 = free_port()
    mta.service(f"[::1]:{mta.port6}", "inet", "smtpd")
    mta.configure(inet_protocols="all", inet_interfaces="127.0.0.1, ::1", mynetworks="127.0.0.0/8 [::1]/128", mydestination="mx.example.test",
                  local_recipient_maps="", local_transport="virtual")
    return mta


@pytest.fixture
def sink6():
    with Sink(host="::1") as server:
        yield server


def peer6(mta):
    return Peer(("::1", mta.port6))


def test_mail_comes_in_and_goes_out(six, sink6):
    six.start(relayhost=sink6.nexthop)
    with peer6(six) as peer:
        queue_id, _ = peer.deliver("one@elsewhere.test")
    [taken] = sink6.wait()
    client = six.log.wait(rf"^{queue_id}: client=(\S+)\[::1\]$", process="smtpd")[1]
    six.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>, relay=::1\[::1\]:{sink6.port}, .*status=sent")
    received = re.sub(r"\s+", " ", taken.data.split(b"\r\nFrom:")[0].decode())
    assert received.startswith(f"Received: from client.test ({client} [IPv6:::1]) by mx.example.test "), received


def test_strangers_of_ipv6_may_not_relay(six):
    six.start(mynetworks="127.0.0.0/8 [2001:db8::]/32")
    with peer6(six) as peer:
        assert peer.ask("one@elsewhere.test", "sender@client.test").text == "454 4.7.1 <one@elsewhere.test>: Relay access denied"
    six.log.wait(r"^NOQUEUE: reject: RCPT from \S+\[::1\]: 454 4\.7\.1 ", process="smtpd")


def test_hosts_with_both_kinds_of_address(six, dns, sink6):
    """A host that is down at one address is reached at the other; MX hosts with AAAA only are hosts."""
    dns.add("both.test. 60 A 127.0.0.61\nboth.test. 60 AAAA ::1\nmail.test. 60 MX 10 six.mail.test.\nsix.mail.test. 60 AAAA ::1\n")
    six.start(transport_maps=six.table("transport", f"both.test smtp:[both.test]:{sink6.port}\nmail.test smtp:mail.test:{sink6.port}\n"),
              smtp_address_preference="ipv4", relayhost="")
    six.deliver("one@both.test")
    six.log.wait(rf"^connect to both\.test\[127\.0\.0\.61\]:{sink6.port}: Connection refused$")
    six.log.wait(rf"to=<one@both\.test>, relay=both\.test\[::1\]:{sink6.port}, .*status=sent")
    six.deliver("one@mail.test")
    six.log.wait(rf"to=<one@mail\.test>, relay=six\.mail\.test\[::1\]:{sink6.port}, .*status=sent")
    six.service("smtp", command="smtp -o inet_protocols=ipv4 -o inet_interfaces=127.0.0.1")
    six.apply()
    six.deliver("two@mail.test", sender="alice@virt.test")
    six.log.wait(r"to=<two@mail\.test>, relay=none, .*status=(bounced|deferred) \(.*[Nn]ame service error for name=six\.mail\.test type=A: ")


def test_lmtp_over_ipv6(six):
    with Sink(host="::1", lmtp=True) as store:
        six.start(transport_maps=six.table("transport", f"elsewhere.test lmtp:inet:[::1]:{store.port}\n"))
        six.deliver("one@elsewhere.test")
        store.wait()
        six.log.wait(rf"to=<one@elsewhere\.test>, relay=::1\[::1\]:{store.port}, .*status=sent", process="lmtp")


def test_address_literals(six, sink6):
    """Our own address is a local domain; others are next hops."""
    six.start(virtual_mailbox_maps="static:box/", relayhost="", smtpd_relay_restrictions="permit_mynetworks, reject")
    six.deliver("postmaster@[IPv6:::1]")
    six.log.wait(r"to=<postmaster@\[IPv6:::1\]>, relay=virtual, .*status=sent")
    assert six.ask("x@[IPv6:nonsense]").text == "501 5.1.3 Bad recipient address syntax"
    assert six.ask("x@[IPv6:2001:db8::1]").code == 250
