"""Malformed queue files go to corrupt/ and are logged; all other mail goes on. Odd times of files harm nothing."""
import os
import shutil
import time

import pytest

from harness.ports import free_port
from harness.sink import Sink


@pytest.fixture
def stopped(mta):
    """A stopped instance with one deferred message; (instance, port of the relay, path, Message-Id)."""
    port = free_port()
    # Without a seal, which would tell all damage alike.
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h", queue_file_recycle_limit="0")
    queue_id, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    mta.stop()
    return mta, port, mta.queue_file(queue_id), message_id


def plant(mta, like, data, queue="incoming"):
    """A complete queue file with its proper name; returns that."""
    owner = like.stat()
    temporary = mta.queue / queue / "1.1"
    temporary.write_bytes(data)
    name = f"00001{temporary.stat().st_ino:X}"
    os.chown(temporary, owner.st_uid, owner.st_gid)
    temporary.chmod(0o700)
    temporary.rename(mta.queue / queue / name)
    return name


def spoilt(good):
    """name -> bytes of a damaged copy of a good file."""
    end_of_size = 97
    message = good.index(b"M\x00")
    return {
        "garbage": os.urandom(2000),
        "one byte": b"C",
        "cut in the envelope": good[:end_of_size + 10],
        "cut in the content": good[:message + 40],
        "no end": good[:-2],
        "unknown flags": good[:2 + 48] + b"%15d" % 4096 + good[2 + 63:],
        "no size record": good[end_of_size:],
        "no time record": good[:end_of_size] + good[end_of_size + 2 + good[end_of_size + 1]:],
        "overlong length": good[:end_of_size] + b"T\xff\xff\xff\xff\xff\x7f" + good[end_of_size:],
        "type zero": good[:end_of_size] + b"\x00\x03abc" + good[end_of_size:],
        "text": b"From: somebody\n\nthis is no queue file\n",
    }


def test_spoilt_files_are_put_aside(stopped):
    mta, port, path, message_id = stopped
    planted = {plant(mta, path, data): what for what, data in spoilt(path.read_bytes()).items()}
    mta.allowed_trouble.append("warning|panic: rec" if mta.suite.is_reference else "^$")
    with Sink(port=port) as sink:
        mta.start()
        mta.run("postqueue", "-f")
        sink.wait_for_message(message_id)
        mta.deliver("alice@virt.test")
        mta.maildir("alice").wait()
        from harness.waiting import wait_for
        wait_for(lambda: not mta.queued("incoming", "active"), lambda: f"spoilt files leave the queue: "
                 f"{[planted.get(name, name) for name in mta.queued('incoming', 'active')]}")
        assert set(mta.queued("corrupt")) == planted.keys() - set(mta.queued("incoming", "active", "deferred")), \
            {planted[name]: (mta.queue / "corrupt" / name).exists() for name in planted}
        for name, what in planted.items():
            assert mta.log.has(rf"warning: .*{name}"), f"nothing was logged of: {what}"
        assert len(sink.messages) == 1


def test_an_empty_unfinished_file_is_left_alone(stopped):
    mta, port, path, message_id = stopped
    planted = plant(mta, path, b"C_" + b" ".join([b"%15d" % 0] * 6))
    with Sink(port=port) as sink:
        mta.allowed_trouble.append("^$")
        mta.start()
        mta.run("postqueue", "-f")
        sink.wait_for_message(message_id)
    assert planted in mta.queued("incoming", "corrupt", "active", "deferred")


def test_times_in_the_future(stopped):
    """The clock was set back: mail that seems to come from the future is delivered by a flush at the latest."""
    mta, port, path, message_id = stopped
    future = time.time() + 7 * 86400
    os.utime(path, (future, future))
    with Sink(port=port) as sink:
        mta.start()
        mta.run("postqueue", "-f")
        sink.wait_for_message(message_id)
        mta.log.wait(r"to=<one@elsewhere\.test>.*, delay=\d[\d.]*, .*status=sent")


def test_an_arrival_time_long_ago(stopped):
    """The clock jumped ahead: a message is tried once more before it is returned."""
    mta, port, path, _ = stopped
    data = path.read_bytes()
    stamp = data[data.index(b"create_time=") + 12:][:10]
    old = str(int(stamp) - 30 * 86400).encode()
    copy = data.replace(b"create_time=" + stamp, b"create_time=" + old).replace(b"T" + data[98:99] + stamp, b"T" + data[98:99] + old)
    assert copy != data
    path.unlink()
    plant(mta, mta.queue / "deferred", copy)
    with Sink(port=port) as sink:
        mta.start()
        sink.wait()
        mta.log.wait(r"to=<one@elsewhere\.test>.*, delay=2\d{6}, .*status=sent")


@pytest.mark.posthouse_only("the reference writes no seals")
def test_what_a_power_cut_left_is_not_delivered(mta):
    """A file that was being overwritten: the seal tells. Whole ones are delivered, also when their inode has changed."""
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h")
    queue_id, message_id = mta.deliver("one@elsewhere.test", body="the new text\r\n")
    mta.wait_queue("deferred", 1)
    mta.stop()
    path = mta.queue_file(queue_id)
    whole = path.read_bytes()
    assert whole.count(b"the new text") == 1 and b"posthouse_seal" in whole
    broken = plant(mta, path, whole.replace(b"the new text", b"the old text"))
    unnamed = plant(mta, path, whole.replace(b"one@elsewhere.test", b"two@elsewhere.test"))
    intact = plant(mta, path, whole)
    with Sink(port=port) as sink:
        mta.start()
        mta.log.wait(rf"{intact}: removed", process="qmgr")
        for spoilt_id in (broken, unnamed):
            mta.log.wait(rf"{spoilt_id}: message rejected: the file was not completely written", process="qmgr")
        assert sorted(mta.queued("corrupt")) == sorted([broken, unnamed])
        assert len(sink.messages) == 1 and b"the new text" in sink.messages[0].data


def test_foreign_files_in_the_queue_are_ignored(stopped):
    mta, port, path, message_id = stopped
    (mta.queue / "incoming" / "notes.txt").write_text("hello")
    if mta.suite.is_posthouse:     # the reference refuses to start with this one
        (mta.queue / "incoming" / "#").write_text("")
    (mta.queue / "active" / "F").write_text("x")
    (mta.queue / "incoming" / "subdirectory").mkdir()
    with Sink(port=port) as sink:
        mta.allowed_trouble.append("^$")
        mta.start()
        mta.run("postqueue", "-f")
        mta.run("postqueue", "-p")
        sink.wait_for_message(message_id)
    shutil.rmtree(mta.queue / "incoming" / "subdirectory")
