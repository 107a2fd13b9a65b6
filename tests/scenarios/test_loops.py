"""Mail whose next hop is this mail system itself: what is noticed, who takes it instead, what the sender reads."""
import os
import re

import pytest

from harness.sink import Sink

pytestmark = pytest.mark.needs_root("loops are looked for at port 25")
NET = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}"
OWN = "127.0.0.1"
PROXY = "192.0.2.77"
ZONE = f"""me.test. 60 A {OWN}
proxy.test. 60 A {PROXY}
closed.test. 60 A {NET}.5
greets.test. 60 A {NET}.6
extended.test. 60 A {NET}.7
old.test. 60 A {NET}.8
fine.test. 60 A {NET}.9
mx.example.test. 60 A {NET}.9
only.test. 60 MX 10 me.test.
last.test. 60 MX 10 closed.test.
last.test. 60 MX 20 me.test.
last.test. 60 MX 30 fine.test.
best.test. 60 MX 10 me.test.
best.test. 60 MX 20 fine.test.
equal.test. 60 MX 10 me.test.
equal.test. 60 MX 10 fine.test.
primary.test. 60 MX 5 gone.test.
primary.test. 60 MX 10 me.test.
both.test. 60 A {OWN}
both.test. 60 A {NET}.9
greeting.test. 60 MX 10 greets.test.
ehlo.test. 60 MX 10 extended.test.
ehlo.test. 60 MX 20 fine.test.
helo.test. 60 MX 10 old.test.
null.test. 60 MX 0 .
proxied.test. 60 MX 10 proxy.test.
named.test. 60 MX 10 mx.example.test.
"""
ROUTES = """bracket.test smtp:[me.test]
service.test smtp:extended.test:25
several.test smtp:only.test, fine.test
"""
FINE = rf"relay=fine\.test\[{NET}\.9\]:25, .*dsn=2\.0\.0, status=sent \(250 2\.0\.0 Ok"


def loop(domain, relay="none"):
    return rf"relay={relay}, .*dsn=5\.4\.6, status=bounced \(mail for {re.escape(domain)} loops back to myself\)"


LOOPS = {name: loop(name) for name in ("only.test", "best.test", "equal.test", "both.test", "proxied.test", "me.test")} | {
    "bracket.test": loop("me.test"), "several.test": loop("only.test")}
TALKERS = {"ehlo.test": loop("ehlo.test", rf"extended\.test\[{NET}\.7\]:25"),
           "service.test": loop("extended.test:25", rf"extended\.test\[{NET}\.7\]:25"),
           "greeting.test": rf"relay=greets\.test\[{NET}\.6\]:25, .*status=sent",
           "helo.test": rf"relay=old\.test\[{NET}\.8\]:25, .*status=sent",
           "named.test": rf"relay=mx\.example\.test\[{NET}\.9\]:25, .*status=sent"}
CUT = {"last.test": rf"relay=none, .*dsn=4\.4\.1, status=deferred \(connect to closed\.test\[{NET}\.5\]:25: Connection refused\)",
       "primary.test": r"dsn=4\.4\.4, status=deferred \(unable to find primary relay for primary\.test\)"}
LOST = {"null.test": r"dsn=5\.1\.0, status=bounced \(Domain null\.test does not accept mail \(nullMX\)\)",
        "gone.test": r"dsn=5\.4\.4, status=bounced \(Host or domain name not found\. Name service error for name=gone\.test "
                     r"type=A: Host not found\)"}


@pytest.fixture
def world(mta, dns):
    """The zone, the servers that live in it; starts the instance."""
    dns.add(ZONE)
    sinks = [Sink(f"{NET}.{last}", 25) for last in (6, 7, 8, 9)]
    greets, extended, old, _ = sinks
    greets.on("CONNECT", f"220 {mta.hostname} ESMTP")
    extended.on("EHLO", f"250-{mta.hostname}\r\n250 SIZE")
    old.on("EHLO", "502 5.5.1 what")
    old.on("HELO", f"250 {mta.hostname}")
    mta.configure(relayhost="", transport_maps=mta.table("transport", ROUTES), proxy_interfaces=PROXY)
    yield mta
    for sink in sinks:
        sink.stop()


def expect(mta, lines):
    mta.deliver([f"r@{domain}" for domain in lines])
    for domain, pattern in lines.items():
        mta.log.wait(rf"to=<r@{re.escape(domain)}>, {pattern if pattern.startswith('relay') else 'relay=none, .*' + pattern}")


def test_loops_are_returned_and_never_delivered(world):
    world.start()
    expect(world, LOOPS | TALKERS | CUT | LOST)
    world.log.wait(rf"warning: host greets\.test\[{NET}\.6\]:25 greeted me with my own hostname {world.hostname}")
    world.log.wait(rf"warning: host extended\.test\[{NET}\.7\]:25 replied to HELO/EHLO with my own hostname {world.hostname}")


def test_the_fallback_relay_takes_what_was_not_found_but_no_loops(world):
    world.start(smtp_fallback_relay="[fine.test]")
    expect(world, LOOPS | TALKERS | {name: FINE for name in LOST} | {"last.test": CUT["last.test"]})


def test_best_mx_transport_takes_loops(world):
    world.service("other", command="smtp")
    world.start(best_mx_transport="other:[fine.test]")
    expect(world, {name: FINE for name in LOOPS} | TALKERS | CUT | LOST)
    for domain in LOOPS:
        world.log.wait(rf"^[0-9A-Z]+: passing <r@{re.escape(domain)}> to transport=other$")


@pytest.mark.posthouse_only("tries for 100 s to connect")
def test_best_mx_transport_that_does_not_exist_defers(world):
    world.start(best_mx_transport="missing")
    expect(world, {"only.test": r"dsn=4\.3\.0, status=deferred \(mail transport unavailable\)"})


FILTER = r"""/^5\.4\.6 mail for only/ 4.4.7 wait
/^5\.4\.6 mail for best/ 2.0.0 nice
/^5\.4\.6 mail for both/ 5.7.1
/^5\.4\.6 mail for me/ junk
/^4\.4\.1 (.*)/ 5.4.1 dead: $1
/^(2)\.0\.0 (.*)/ $1.9.9 done $2
"""


def test_a_status_filter_changes_code_and_text_but_never_success(world):
    world.start(default_delivery_status_filter=world.table("filter", FILTER, "pcre"))
    expect(world, {
        "only.test": r"dsn=4\.4\.7, status=deferred \(wait\)",
        "best.test": LOOPS["best.test"], "me.test": LOOPS["me.test"],
        "both.test": r"dsn=5\.7\.1, status=bounced \(mail for both\.test loops back to myself\)",
        "last.test": rf"dsn=5\.4\.1, status=bounced \(dead: connect to closed\.test\[{NET}\.5\]:25: Connection refused\)",
        "named.test": r"relay=mx\.example\.test.*dsn=2\.9\.9, status=sent \(done 250 2\.0\.0 Ok"})
    world.log.wait(r"warning: (smtp_delivery_status_filter|default_delivery_status_filter): bad status code: 2\.0\.0 nice")
    world.log.wait(r"bad status code: junk")


@pytest.mark.parametrize("program", ["local", "virtual"])
def test_mailbox_agents_have_filters(mta, program):
    path = mta.table("filter", r"/^(2)\.0\.0 delivered to .*/ $1.1.1 in the box" + "\n", "pcre")
    mta.start(**{f"{program}_delivery_status_filter": path}, mydestination="local.test", local_recipient_maps="",
              mail_spool_directory=f"{mta.mail}/")
    mta.mail.chmod(0o1777)
    address = {"local": "games@local.test", "virtual": "alice@virt.test"}[program]
    mta.deliver(address)
    mta.log.wait(rf"to=<{address}>, relay={program}, .*dsn=2\.1\.1, status=sent \(in the box\)")
