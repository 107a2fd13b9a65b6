"""Files of delivered messages that become those of new ones (queue_file_recycle_limit)."""
import stat

import pytest

from harness.message import make

ONE_SUITE = "the reference removes its files"
pytestmark = pytest.mark.posthouse_only(ONE_SUITE)


def spares(mta):
    return sorted((mta.queue / "spare").iterdir())


def deliver(mta, count=1):
    ids = [mta.deliver("alice@virt.test")[0] for _ in range(count)]
    for queue_id in ids:
        mta.log.wait(rf"{queue_id}: removed", process="qmgr")
    return ids


def inode(queue_id):
    return int(queue_id[5:], 16)


def test_a_file_serves_the_next_message(mta):
    mta.start()
    first, = deliver(mta)
    spare, = spares(mta)
    status = spare.stat()
    assert (spare.name, status.st_ino, stat.S_IMODE(status.st_mode)) == (str(inode(first)), inode(first), 0o600)
    all_ids = [first, *deliver(mta, 12)]        # the directory is not read for each message
    assert len(set(map(inode, all_ids))) < len(all_ids) == len(set(all_ids))
    mta.maildir("alice").wait(13)


def contents_after(mta, size):
    """Queue files, by id, of short messages in the file that a longer one of about `size` bytes has left."""
    mta.start(queue_file_recycle_limit="1")
    body = "secret words\r\n" * (size // 20)
    with mta.peer() as peer:
        peer.deliver("alice@virt.test", data=make(to="alice@virt.test", size=size, body=body))
    mta.maildir("alice").wait(1)
    mta.apply(virtual_transport="nosuch")
    queue_ids = [mta.deliver("alice@virt.test")[0] for _ in range(12)]
    mta.wait_queue("deferred", 12)
    assert not spares(mta)
    contents = {queue_id: mta.queue_file(queue_id).read_bytes() for queue_id in queue_ids}
    assert not any(b"secret" in content for content in contents.values())
    return contents


def test_a_file_that_is_much_too_large_is_cut_off(mta):
    assert {len(content) for content in contents_after(mta, 50_000).values()} == {4096}


def test_padding_is_nothing_of_the_old_message(mta):
    contents = contents_after(mta, 20_000)
    assert any(len(content) > 12_000 for content in contents.values())
    for queue_id, content in contents.items():
        assert not content[content.index(b"posthouse_seal"):].partition(b"E\0")[2].strip(b"\0"), queue_id


def test_none_outlives_a_start(mta):
    mta.start()
    deliver(mta, 2)
    assert spares(mta)
    mta.stop()
    mta.start()
    assert not spares(mta)


def test_it_can_be_switched_off(mta):
    mta.start(queue_file_recycle_limit="0")
    queue_id, = deliver(mta)
    assert not spares(mta)
    mta.apply(virtual_transport="nosuch")
    queue_id, _ = mta.deliver("alice@virt.test")
    mta.wait_queue("deferred", 1)
    assert b"posthouse_seal" not in mta.queue_file(queue_id).read_bytes()


def test_large_messages_are_not_kept(mta):
    mta.start()
    with mta.peer() as peer:
        peer.deliver("alice@virt.test", data=make(to="alice@virt.test", size=200_000))
    mta.maildir("alice").wait(1)
    mta.wait_empty()
    assert not spares(mta)
