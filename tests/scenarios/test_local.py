"""Local recipients: aliases with owners, and transports that deliver in place of local."""
import pytest

from harness.sink import Sink

pytestmark = pytest.mark.needs_root("delivers to system users")
ALIASES = """team games, lp
owner-team alice@virt.test
one games
owner-one bob@virt.test
two games
owner-two alice@virt.test, bob@virt.test
parent child
owner-parent alice@virt.test
child games, remote@elsewhere.test
plain games
"""


@pytest.fixture
def local(mta, folder, sink):
    spool = folder / "spool"
    spool.mkdir()
    spool.chmod(0o1777)
    mta.configure(mydestination="local.test, example.test", local_recipient_maps="", mail_spool_directory=f"{spool}/",
                  alias_maps=mta.table("aliases", ALIASES), recipient_delimiter="+", relayhost=sink.nexthop)
    return mta


@pytest.fixture
def store():
    with Sink(lmtp=True) as server:
        yield server


def child_of(mta, alias, sender="orig@client.test"):
    """Queue id and sender of the message that an alias is forwarded as."""
    mta.deliver(f"{alias}@local.test", sender=sender)
    child = mta.log.wait(rf"to=<{alias}@local\.test>, .*status=sent \(forwarded as ([0-9A-Z]+)\)")[1]
    return child, mta.log.wait(rf"^{child}: from=<(.*?)>, size=", process="qmgr")[1]


@pytest.mark.parametrize("alias", ["team", "one", "two"])
@pytest.mark.parametrize("sender", ["orig@client.test", ""])
def test_the_owner_of_a_list_is_the_sender(local, alias, sender):
    local.start()
    child, owner = child_of(local, alias, sender)
    assert owner == f"owner-{alias}@example.test"
    local.log.wait(rf"^{child}: to=<games@example\.test>, relay=local, .*status=sent \(delivered to maildir\)$")


def test_the_owner_may_be_expanded(local):
    local.start(expand_owner_alias="yes")
    assert child_of(local, "team")[1] == "alice@virt.test"


def test_a_child_without_owner_keeps_that_of_the_list(local, sink):
    local.start()
    assert child_of(local, "parent")[1] == "owner-parent@example.test"
    assert sink.wait()[0].sender == "owner-parent@example.test"


def test_local_users_of_a_child_without_owner_may_stay(local):
    local.start(reset_owner_alias="yes", alias_maps=local.table("aliases", ALIASES.replace(", remote@elsewhere.test", "")))
    local.deliver("parent@local.test", sender="orig@client.test")
    local.log.wait(r"to=<(games@example|parent@local)\.test>, .*relay=local, .*status=sent \(delivered to maildir\)$")
    assert not local.log.has("from=<owner-parent")


def test_the_original_recipient_of_a_list_is_its_member(local, sink):
    local.start()
    with local.peer() as peer:
        peer.command("MAIL FROM:<orig@client.test> RET=HDRS ENVID=abc", 250)
        peer.command("RCPT TO:<parent@local.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;parent@local.test", 250)
        peer.content(b"Subject: x\r\n\r\nx\r\n")
    [taken] = sink.wait()
    assert "ENVID=abc" in taken.mail_line and "RET=HDRS" in taken.mail_line
    assert "NOTIFY=FAILURE,DELAY" in taken.rcpt_lines[0] and "ORCPT=rfc822;remote@elsewhere.test" in taken.rcpt_lines[0]


def passed(mta, store, address):
    mta.log.wait(rf"^[0-9A-Z]+: passing <{address.replace('+', chr(92) + '+')}> to transport=lmtp$", process="local")
    store.wait_until(lambda: any(address in taken.recipients for taken in store.messages), f"{address} at the store")


def test_mailbox_transport_takes_known_and_unknown_users(local, store):
    local.start(mailbox_transport=f"lmtp:inet:127.0.0.1:{store.port}")
    local.deliver(["games@local.test", "nosuch@local.test", "plain@local.test", "lp+box@local.test"])
    for address in ("games@local.test", "nosuch@local.test", "games@example.test", "lp+box@local.test"):
        passed(local, store, address)
    local.wait_empty()


def test_mailbox_transport_maps_are_for_single_users(local, store):
    local.start(mailbox_transport_maps=local.table("transports", f"games lmtp:inet:127.0.0.1:{store.port}\n"))
    local.deliver(["games@local.test", "lp@local.test"])
    passed(local, store, "games@local.test")
    local.log.wait(r"to=<lp@local\.test>, relay=local, .*status=sent \(delivered to maildir\)$")


def test_fallback_transport_takes_unknown_users(local, store):
    local.start(fallback_transport=f"lmtp:inet:127.0.0.1:{store.port}")
    local.deliver(["games@local.test", "nosuch@local.test"])
    passed(local, store, "nosuch@local.test")
    local.log.wait(r"to=<games@local\.test>, relay=local, .*status=sent \(delivered to maildir\)$")


def test_fallback_transport_maps_are_for_single_names(local, store):
    local.start(fallback_transport_maps=local.table("transports", f"nosuch lmtp:inet:127.0.0.1:{store.port}\n"))
    local.deliver(["nosuch@local.test", "other@local.test"])
    passed(local, store, "nosuch@local.test")
    local.log.wait(r"to=<other@local\.test>, relay=local, .*dsn=5\.1\.1, status=bounced \(unknown user: \"other\"\)$")


def test_a_failing_transport_table_defers(local):
    local.start(mailbox_transport_maps="fail:x")
    local.deliver("games@local.test")
    local.log.wait(r"to=<games@local\.test>, relay=local, .*dsn=4\.\d\.\d, status=deferred ")


def test_what_the_store_says_is_the_result(local, store):
    store.on("RCPT", "552 5.2.2 full", match="games@")
    store.on("RCPT", "452 4.2.2 later", match="lp@")
    local.start(mailbox_transport=f"lmtp:inet:127.0.0.1:{store.port}")
    local.deliver(["games@local.test", "lp@local.test"], sender="alice@virt.test")
    local.log.wait(r"to=<games@local\.test>, relay=127.*dsn=5\.2\.2, status=bounced ", process="lmtp")
    local.log.wait(r"to=<lp@local\.test>, relay=127.*dsn=4\.2\.2, status=deferred ", process="lmtp")
    local.maildir("alice").wait()
    assert len(local.wait_queue("deferred", 1)) == 1
