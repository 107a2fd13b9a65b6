"""What the actions of access tables do to a message: access(5) FILTER, REDIRECT, BCC, DISCARD, HOLD, PREPEND."""
import pytest

from harness.instance import Instance
from harness.message import id_of
from harness.sink import Sink

SENDERS = {
    "hold": "HOLD for a look", "discard": "DISCARD", "redirect": "REDIRECT carol@virt.test", "bcc": "BCC carol@virt.test",
    "filter": "FILTER smtp:{first}", "prepend": "PREPEND X-One: from the sender",
}
RECIPIENTS = {
    "refilter": "FILTER smtp:{second}", "reprepend": "PREPEND X-Two: from the recipient", "rebcc": "BCC dave@virt.test", "reredirect": "REDIRECT dave@virt.test",
    "reject": "REJECT", "rehold": "HOLD",
}
USERS = ["alice", "bob", "carol", "dave", *RECIPIENTS]


@pytest.fixture(scope="module")
def running(suite, tmp_path_factory):
    folder = tmp_path_factory.mktemp("actions")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    mta = Instance(suite, folder / "mx")
    with Sink() as first, Sink() as second:
        ways = {"first": first.nexthop, "second": second.nexthop}
        tables = {name: mta.table(name, "".join(f"{user}@{domain} {action.format(**ways)}\n" for user, action in actions.items()))
                  for name, domain, actions in (("senders", "client.test", SENDERS), ("recipients", "virt.test", RECIPIENTS))}
        mta.start(smtpd_sender_restrictions=f"check_sender_access {tables['senders']}", biff="no",
                  smtpd_recipient_restrictions=f"check_recipient_access {tables['recipients']}", virtual_mailbox_maps=mta.table("mailboxes", "".join(f"{user}@virt.test {user}/\n" for user in USERS)))
        mta.first, mta.second = first, second
        yield mta
        mta.check()


def pass_on(mta, sender, *recipients):
    """Queue id and Message-Id; all of it has been delivered."""
    sent = mta.deliver(list(recipients), sender=f"{sender}@client.test")
    mta.wait_empty()
    return sent


def boxes(mta, message_id):
    """Users in whose mailboxes the message lies."""
    return sorted(path.parent.name for path in mta.mail.glob("*/new") for file in path.iterdir() if id_of(file.read_bytes()) == message_id)


def sunk(sink, message_id):
    """Recipients of each copy that the sink took."""
    return [message.recipients for message in sink.messages if id_of(message.data) == message_id]


def test_hold_keeps_the_message_until_it_is_released(running):
    queue_id, message_id = running.deliver(["alice@virt.test", "rehold@virt.test"], sender="hold@client.test")
    assert running.wait_queue("hold", 1) == [queue_id]
    assert len(running.log.grep(r": hold: RCPT from \S+: <hold@client\.test>: Sender address for a look; from=<hold@client\.test> to=<alice@virt\.test> ")) == 1
    assert not running.log.has(r"to=<rehold@virt\.test>.* triggers HOLD"), "one word is enough"
    running.run("postsuper", "-H", queue_id)
    running.run("postqueue", "-f")
    running.log.wait(rf"^{queue_id}: removed$", process="qmgr")
    assert boxes(running, message_id) == ["alice", "rehold"]


def test_discard_takes_the_message_for_all_and_keeps_nothing(running):
    queue_id, message_id = pass_on(running, "discard", "alice@virt.test", "reject@virt.test", "nobody@elsewhere.test")
    assert boxes(running, message_id) == []
    assert not running.log.has(rf"^{queue_id}: to=")
    running.log.wait(r"discard: RCPT from \S+: <discard@client\.test>: Sender address triggers DISCARD action; from=<discard@client\.test> to=<alice@virt\.test> ")


def test_redirect_replaces_all_recipients(running):
    _, message_id = pass_on(running, "redirect", "alice@virt.test", "bob@virt.test")
    assert boxes(running, message_id) == ["carol"]


def test_the_last_redirect_counts(running):
    _, message_id = pass_on(running, "redirect", "alice@virt.test", "reredirect@virt.test")
    assert boxes(running, message_id) in (["carol"], ["dave"])
    _, message_id = pass_on(running, "redirect", "reredirect@virt.test")
    assert boxes(running, message_id) == ["dave"]


def test_redirect_overrides_filter(running):
    _, message_id = pass_on(running, "redirect", "refilter@virt.test")
    assert boxes(running, message_id) == ["carol"]
    assert not sunk(running.second, message_id)


def test_bcc_adds_a_recipient(running):
    _, message_id = pass_on(running, "bcc", "alice@virt.test")
    assert boxes(running, message_id) == ["alice", "carol"]


def test_the_filter_gets_the_whole_message(running):
    _, message_id = pass_on(running, "filter", "alice@virt.test", "bob@virt.test")
    assert boxes(running, message_id) == []
    assert sunk(running.first, message_id) == [["alice@virt.test", "bob@virt.test"]]


def test_the_last_filter_counts(running):
    _, message_id = pass_on(running, "filter", "refilter@virt.test")
    assert not sunk(running.first, message_id) and sunk(running.second, message_id) == [["refilter@virt.test"]]


def test_prepended_headers_keep_their_order(running):
    _, message_id = pass_on(running, "prepend", "reprepend@virt.test")
    [text] = [text for text in running.maildir("reprepend").messages() if id_of(text) == message_id]
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    at = [next(number for number, line in enumerate(lines) if line.startswith(start)) for start in (b"X-One: from the sender", b"X-Two: from the recipient", b"Received: ")]
    assert at == [at[0], at[0] + 1, at[0] + 2], text
