"""A spool is taken over from Debian's Postfix in place, and can be handed back."""
import pytest

from harness.instance import IS_ROOT
from harness.ports import free_port
from harness.sink import Sink
from harness.suite import Suite

pytestmark = [pytest.mark.posthouse_only("needs both"), pytest.mark.skipif(not IS_ROOT, reason="the reference needs root")]


def fill(mta, port):
    """Deferred, held and maildrop messages with everything a queue file may carry."""
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h", delay_warning_time="4h",
              smtpd_sender_restrictions="check_sender_access inline:{hold@client.test=HOLD}")
    ids = {}
    with mta.peer() as peer:
        ids["plain"] = peer.deliver("one@elsewhere.test")[1]
        ids["many"] = peer.deliver([f"r{number}@elsewhere.test" for number in range(30)])[1]
        ids["dsn"] = peer.deliver("dsn@elsewhere.test", sender="alice@virt.test", mail_options="RET=HDRS ENVID=a+2Bb BODY=8BITMIME",
                                  rcpt_options="NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2By@z.test")[1]
        ids["null"] = peer.deliver("null@elsewhere.test", sender="")[1]
        ids["quoted"] = peer.deliver('"two words"@elsewhere.test', sender='"a b"@client.test')[1]
        ids["large"] = peer.deliver("large@elsewhere.test", size=300000)[1]
        ids["long"] = peer.deliver("long@elsewhere.test", body="z" * 5000 + "\n\n.dot\nend")[1]
        ids["held"] = peer.deliver("held@elsewhere.test", sender="hold@client.test")[1]
    mta.wait_queue("deferred", 7)
    mta.stop()
    return ids


def drain(mta, port, ids):
    with Sink(port=port, extensions=("PIPELINING", "8BITMIME", "DSN")) as sink:
        mta.start(**{key: mta.main[key] for key in ()})
        mta.run("postsuper", "-H", "ALL")
        mta.run("postqueue", "-f")
        sink.wait_until(lambda: {taken.message_id for taken in sink.messages} >= set(ids.values()), "every message arrives")
        mta.wait_empty()
        mta.stop()
        return {name: next(taken for taken in sink.messages if taken.message_id == message_id) for name, message_id in ids.items()}


def check(arrived):
    assert sorted(arrived["many"].recipients) == sorted(f"r{number}@elsewhere.test" for number in range(30))
    assert arrived["null"].sender == "" and arrived["quoted"].recipients == ['"two words"@elsewhere.test']
    assert arrived["quoted"].sender == '"a b"@client.test'
    assert "ENVID=a+2Bb" in arrived["dsn"].mail_line and "RET=HDRS" in arrived["dsn"].mail_line
    assert "ORCPT=rfc822;o+2By@z.test" in arrived["dsn"].rcpt_lines[0] and "NOTIFY=SUCCESS,DELAY" in arrived["dsn"].rcpt_lines[0]
    assert len(arrived["large"].data) >= 300000
    assert b"\r\n.dot\r\nend\r\n" in arrived["long"].data and arrived["long"].data.count(b"z") >= 5000


def handed_over(folder, first, second):
    from harness.instance import Instance
    before = Instance(first, folder / "mx", "mx")
    port = free_port()
    ids = fill(before, port)
    after = Instance(second, folder / "mx", "mx")
    after.main |= {name: before.main[name] for name in ("relayhost", "minimal_backoff_time", "queue_run_delay", "delay_warning_time")}
    after.write()
    try:
        queued = after.run("postqueue", "-p", check=False)
        arrived = drain(after, port, ids)
        check(arrived)
    finally:
        after.check()
    return queued


def test_taken_over_from_postfix(suite, folder):
    handed_over(folder, Suite.reference(), suite)


def test_handed_back_to_postfix(suite, folder):
    handed_over(folder, suite, Suite.reference())


def test_tools_of_both_read_each_others_files(suite, folder):
    from harness.instance import Instance
    port = free_port()
    ours = Instance(suite, folder / "mx", "mx")
    fill(ours, port)
    theirs = Instance(Suite.reference(), folder / "mx", "mx")
    for queue_id in ours.queued("deferred", "hold"):
        path = ours.queue_file(queue_id)
        ours.write()
        a = ours.run("postcat", path).stdout
        theirs.write()
        b = theirs.run("postcat", path).stdout
        assert a == b
    theirs.check()
