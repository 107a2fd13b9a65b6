"""Settings of the queue: names of its files, and where they lie."""
import re

import pytest

HOLDS = {"smtpd_recipient_restrictions": "check_recipient_access static:HOLD, permit_mynetworks, reject"}


@pytest.mark.parametrize("is_long, form", [("yes", r"[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]+"),
                                           ("no", r"[0-9A-F]{6,}")])
def test_form_of_queue_ids(mta, sink, is_long, form):
    sink.on("RCPT", "451 4.2.0 later")
    mta.start(relayhost=sink.nexthop, enable_long_queue_ids=is_long)
    queue_id, _ = mta.deliver("one@elsewhere.test")
    assert re.fullmatch(form, queue_id)
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>.* status=deferred ")
    assert mta.wait_queue("deferred", 1) == [queue_id]
    assert re.search(rf"^{queue_id} ", mta.run("postqueue", "-p").stdout, re.M)
    assert "one@elsewhere.test" in mta.run("postcat", "-q", queue_id).stdout
    sink.clear()
    mta.run("postqueue", "-i", queue_id)
    mta.log.wait(rf"^{queue_id}: removed$")


def test_long_and_short_ids_in_one_queue(mta):
    mta.start(**HOLDS)
    short, _ = mta.deliver("alice@virt.test")
    mta.apply(enable_long_queue_ids="yes")
    long, _ = mta.deliver("alice@virt.test")
    assert len(long) > len(short)
    assert sorted([short, long]) == mta.queued("hold")
    mta.run("postsuper", "-H", "ALL")
    mta.run("postqueue", "-f")
    mta.maildir("alice").wait(2)
    mta.wait_empty()


def depth_of(mta, queue_id):
    return len(mta.queue_file(queue_id).relative_to(mta.queue).parts) - 2


@pytest.mark.parametrize("names, depth, expected", [("deferred, hold", "1", 1), ("deferred, hold", "2", 2), ("deferred", "2", 0)])
def test_directories_below_a_queue(mta, names, depth, expected):
    mta.start(**HOLDS, hash_queue_names=names, hash_queue_depth=depth)
    queue_id, _ = mta.deliver("alice@virt.test")
    assert depth_of(mta, queue_id) == expected


def test_another_depth_at_the_next_start(mta):
    mta.start(**HOLDS, hash_queue_names="hold", hash_queue_depth="1")
    queue_ids = [mta.deliver("alice@virt.test")[0] for _ in range(3)]
    for depth in (2, 1):
        mta.stop()
        mta.start(hash_queue_depth=depth)
        assert [depth_of(mta, queue_id) for queue_id in queue_ids] == [depth] * 3
    mta.stop()
    mta.start(hash_queue_names="deferred")
    assert [depth_of(mta, queue_id) for queue_id in queue_ids] == [0] * 3
    mta.run("postsuper", "-H", "ALL")
    mta.run("postqueue", "-f")
    mta.maildir("alice").wait(3)
    mta.wait_empty()
