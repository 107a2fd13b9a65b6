"""Full disks, spent inodes, descriptors and memory: a clear 4xx or a deferral, and nothing is lost."""
import contextlib
import itertools
import os
import resource
import subprocess

import pytest

from harness import processes
from harness.load import Load
from harness.message import id_of, make
from harness.waiting import wait_for

SOON = dict(minimal_backoff_time="1s", maximal_backoff_time="1s", queue_run_delay="1s")


@contextlib.contextmanager
def small_file_system(path, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        for _ in range(50):
            if subprocess.run(["umount", path], stderr=subprocess.DEVNULL).returncode == 0:
                return
            subprocess.run(["sleep", "0.1"])
        subprocess.run(["umount", "-l", path])


@pytest.fixture
def small_queue(mta, request):
    """An instance whose queue is a small file system of its own; ends it before the file system goes."""
    with small_file_system(mta.queue, request.param):
        yield mta
        mta.check()


def fill(path, leave):
    """A file that leaves about `leave` bytes."""
    filler = path / "filler"
    free = os.statvfs(path)
    with contextlib.suppress(OSError), open(filler, "wb") as file:
        file.write(b"\0" * max(0, free.f_bavail * free.f_frsize - leave))
    return filler


@pytest.mark.needs_root("mount")
@pytest.mark.parametrize("small_queue", ["size=8m"], indirect=True)
def test_disk_full(small_queue, sink):
    mta = small_queue
    mta.allowed_trouble.append("No space left|write error|fatal: .*(space|write)|exit status 1")
    mta.start(relayhost=sink.nexthop, message_size_limit="0", mailbox_size_limit="0", virtual_mailbox_limit="0",
              maillog_file=mta.log.path, **SOON)
    before = mta.deliver("one@elsewhere.test")[1]
    sink.wait_for_message(before)
    mta.wait_empty()
    filler = fill(mta.queue, 100000)
    with mta.peer() as peer:
        peer.command("MAIL FROM:<a@client.test>", 250)
        peer.command("RCPT TO:<one@elsewhere.test>", 250)
        peer.command("DATA", 354)
        refused = make(size=600000)
        peer.send(refused + b".\r\n")
        reply = peer.reply()
        assert reply.code in (451, 452), reply
    wait_for(lambda: not mta.queued("incoming", "active"), "the half message is gone")
    filler.unlink()
    def accepted():
        try:
            return mta.deliver("one@elsewhere.test", size=600000)[1]
        except (AssertionError, OSError):
            return None
    sink.wait_for_message(wait_for(accepted, "mail is taken again", interval=0.2))
    assert id_of(refused) not in {taken.message_id for taken in sink.messages}


@pytest.mark.needs_root("mount")
@pytest.mark.parametrize("small_queue", ["size=8m"], indirect=True)
def test_disk_full_under_load(small_queue, sink):
    mta = small_queue
    mta.allowed_trouble.append("No space left|write error|fatal: .*(space|write)|exit status 1|throttling|not enough free space|problem talking|timeout")
    sink.keep_data = False
    mta.start(relayhost=sink.nexthop, message_size_limit="0", mailbox_size_limit="0", virtual_mailbox_limit="0",
              service_throttle_time="1s", smtpd_error_sleep_time="0", **SOON)
    load = Load(mta.port, clients=6, size=60000).start()
    for _ in range(3):
        reached = len(load.acknowledged) + 5
        wait_for(lambda: len(load.acknowledged) >= reached, "mail is taken")
        filler = fill(mta.queue, 30000)
        failures = load.refused
        wait_for(lambda: load.refused > failures, lambda: f"mail is refused on a full disk; {load.refused}")
        filler.unlink()
    load.stop()
    wait_for(lambda: drained(mta), "the queue drains", 90, 0.5)
    lost = load.acknowledged - sink.arrivals.keys()
    assert not lost, f"lost {sorted(lost)[:5]}"
    assert not mta.queued("corrupt")


def spend_inodes(queue):
    """How many files lie in fill/ then."""
    (queue / "fill").mkdir()
    for count in itertools.count():
        try:
            (queue / "fill" / str(count)).touch()
        except OSError:
            return count


@pytest.mark.posthouse_only("the reference waits until an inode is free")
@pytest.mark.needs_root("mount")
@pytest.mark.parametrize("small_queue", ["size=8m,nr_inodes=400"], indirect=True)
def test_inodes_spent(small_queue, sink):
    mta = small_queue
    mta.allowed_trouble.append("No space left|create file|fatal|exit status 1|throttling")
    mta.start(relayhost=sink.nexthop, service_throttle_time="1s", message_size_limit="100000",
              queue_file_recycle_limit="0", **SOON)
    sink.wait_for_message(mta.deliver("one@elsewhere.test")[1])
    mta.wait_empty()
    count = spend_inodes(mta.queue)
    with mta.peer(timeout=60) as peer:
        replies = [peer.command("MAIL FROM:<a@client.test>")]
        if replies[-1].code == 250:
            replies.append(peer.command("RCPT TO:<one@elsewhere.test>"))
        if replies[-1].code == 250:
            peer.command("DATA")
            peer.send(make() + b".\r\n")
            replies.append(peer.reply())
        assert replies[-1].code in (421, 451, 452), replies[-1]
    for number in range(count):
        (mta.queue / "fill" / str(number)).unlink()
    def accepted():
        try:
            return mta.deliver("one@elsewhere.test")[1]
        except (AssertionError, OSError):
            return None
    sink.wait_for_message(wait_for(accepted, "mail is taken again", interval=0.2))


@pytest.mark.posthouse_only("the reference has no spare files")
@pytest.mark.needs_root("mount")
@pytest.mark.parametrize("small_queue", ["size=8m,nr_inodes=400"], indirect=True)
def test_inodes_spent_but_for_spare_files(small_queue, sink):
    """A message that a spare file takes needs no inode; it is refused, or taken and delivered."""
    mta = small_queue
    mta.allowed_trouble.append("No space left|create file")
    mta.start(relayhost=sink.nexthop, message_size_limit="100000", smtpd_error_sleep_time="0", **SOON)
    with mta.peer() as peer:
        for _ in range(30):
            peer.deliver("one@elsewhere.test")
    mta.wait_empty()
    spend_inodes(mta.queue)
    taken = set()
    for _ in range(30):
        with mta.peer() as peer, contextlib.suppress(AssertionError):
            taken.add(peer.deliver("one@elsewhere.test")[1])
    assert taken, "no spare file was used"
    sink.wait_until(lambda: taken <= sink.arrivals.keys(), "what was taken")


@pytest.mark.needs_root("mount")
def test_mailbox_disk_full_defers(mta):
    with small_file_system(mta.mail, "size=1m,mode=1777"):
        mta.start(**SOON)
        filler = mta.mail / "filler"
        with contextlib.suppress(OSError), open(filler, "wb") as file:
            while True:
                file.write(b"\0" * 4096)
                file.flush()
        queue_id, message_id = mta.deliver("alice@virt.test", size=50000)
        mta.log.wait(rf"^{queue_id}: to=<alice@virt\.test>.*dsn=[45]\.2\.[02], status=(deferred|bounced) \(.*No space left")
        if mta.log.has(rf"^{queue_id}: to=<alice@virt\.test>.*status=bounced"):
            pytest.fail("a full disk is no reason to bounce")
        filler.unlink()
        mta.maildir("alice").wait()
        assert mta.maildir("alice").ids() == [message_id]
        mta.check()


@contextlib.contextmanager
def limited(pids, what, soft):
    """Lowers a limit ("nofile", "as") of running processes; `soft` is asked for each. Their successors do not have it."""
    before = {pid: processes.limit(pid, what, soft(pid)) for pid in pids}
    yield
    for pid, limit in before.items():
        with contextlib.suppress(subprocess.CalledProcessError):     # it has ended
            processes.limit(pid, what, limit)


def lowest_free_descriptor(pid):
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in itertools.count() if number not in used)


def drained(mta):
    mta.run("postqueue", "-f", check=False)
    return not mta.ready("incoming", "active", "deferred")


@pytest.mark.posthouse_only("the reference does not start with so few")
@pytest.mark.parametrize("limit", [64])
def test_descriptors_spent(mta, sink, limit):
    """More clients than descriptors: nobody is lost, the rest wait or are told to."""
    sink.keep_data = False
    mta.allowed_trouble.append("Too many open files|fatal: .*open files|exit status 1|throttling|accept")
    mta.start_prefix = ["prlimit", f"--nofile={limit}:{limit}"]
    mta.start(relayhost=sink.nexthop, service_throttle_time="1s", smtpd_error_sleep_time="0", **SOON)
    load = Load(mta.port, clients=3 * limit, per_session=2).start()
    mta.log.wait(r"^warning: accept connection: Too many open files$", process="smtpd")
    wait_for(lambda: len(load.acknowledged) >= 100, lambda: f"mail is taken: {len(load.acknowledged)}", 120)
    load.stop()
    wait_for(lambda: drained(mta), "the queue drains", 120, 0.5)
    assert load.acknowledged <= sink.arrivals.keys()
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()


@pytest.fixture
def running(mta, sink):
    """Each daemon has done its part once, and no more processes are to come."""
    mta.allowed_trouble.append("Too many open files|insufficient memory|exit status 1$|throttling")
    mta.start(relayhost=sink.nexthop, service_throttle_time="1s", smtpd_error_sleep_time="0", in_flow_delay="0", **SOON)
    with mta.peer() as peer:
        for _ in range(10):
            peer.deliver("one@elsewhere.test")
    mta.wait_empty()
    cores = len(os.sched_getaffinity(0))
    wait_for(lambda: all(len(mta.pids(daemon)) == cores for daemon in ("smtpd", "cleanup", "smtp")), "a process of each for each core")
    sink.keep_data = False
    return mta


@pytest.mark.posthouse_only("the reference has a process for each session")
@pytest.mark.parametrize("daemon", ["qmgr", "smtp"])
def test_delivery_without_a_free_descriptor(running, sink, daemon):
    """The message is taken and put off."""
    with limited(running.pids(daemon), "nofile", lowest_free_descriptor):
        _, before = running.deliver("one@elsewhere.test")
        running.log.wait("Too many open files")
    _, after = running.deliver("two@elsewhere.test")
    wait_for(lambda: drained(running), "the queue drains", interval=0.5)
    assert {before, after} <= sink.arrivals.keys()


@pytest.mark.posthouse_only("the reference has a process for each session")
def test_acceptance_without_a_free_descriptor(running, sink):
    """cleanup has none: the message is refused for now. smtpd has none: the client waits in the backlog."""
    with running.peer() as peer:
        peer.deliver("one@elsewhere.test")     # its smtpd is connected to a cleanup
        running.wait_empty()
        with limited(running.pids("cleanup"), "nofile", lowest_free_descriptor):
            peer.command("MAIL FROM:<a@client.test>", 250)
            reply = peer.command("RCPT TO:<one@elsewhere.test>")
            assert reply.text == "451 4.3.0 Error: queue file write error"
            running.log.wait("Too many open files", process="cleanup")
    with limited(running.pids("smtpd"), "nofile", lowest_free_descriptor):
        peer = running.peer(greet=False)
        running.log.wait("accept connection: Too many open files$", process="smtpd")
    with peer:
        peer.expect(220)
        peer.command("HELO client.test", 250)
        _, message_id = peer.deliver("one@elsewhere.test")
    sink.wait_until(lambda: message_id in sink.arrivals, "the message at the sink")
    running.wait_empty()


def virtual_size(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


@pytest.mark.posthouse_only("the reference has a process for each session")
@pytest.mark.parametrize("daemon", ["smtpd", "cleanup", "qmgr", "smtp"])
def test_a_daemon_without_memory(running, sink, daemon):
    """It says so and is replaced; what it had is done again."""
    mta = running
    without_sanitizer(mta)
    with limited(mta.pids(daemon), "as", virtual_size):
        load = Load(mta.port, clients=40, size=20000).start()
        mta.log.wait("^fatal: insufficient memory$", process=daemon)
        reached = len(load.acknowledged) + 100
        wait_for(lambda: len(load.acknowledged) >= reached, lambda: f"mail is taken: {len(load.acknowledged)}", 120)
        load.stop()
    wait_for(lambda: drained(mta), "the queue drains", 120, 0.5)
    assert load.acknowledged <= sink.arrivals.keys()


def without_sanitizer(mta):
    if mta.suite.has_sanitizer:
        pytest.skip("a sanitizer needs the memory itself")


def test_large_messages_need_little_memory(mta, sink):
    """Many at once under a limit of data memory: content is streamed, not held."""
    without_sanitizer(mta)
    mta.allowed_trouble.append("^$")
    sink.keep_data = False
    mta.start_prefix = ["prlimit", f"--data={160 << 20}"]
    mta.start(relayhost=sink.nexthop, message_size_limit="30000000", virtual_mailbox_limit="51200000", service_throttle_time="1s", **SOON)
    load = Load(mta.port, clients=20, size=8 << 20, per_session=1).start()
    wait_for(lambda: len(load.acknowledged) >= 20, lambda: f"mail is taken: {len(load.acknowledged)}", 120)
    load.stop()
    wait_for(lambda: not mta.ready("incoming", "active", "deferred"), "the queue drains", 120)
    assert load.acknowledged <= sink.arrivals.keys()
