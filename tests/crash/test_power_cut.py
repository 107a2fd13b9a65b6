"""Power cuts, on real file systems: the queue lies on one of its own, whose device is copied while everything stands still.
The copy is what a machine finds that lost its power at that moment: the journal's last commit, and of everything later only
what somebody synced."""
import contextlib
import os
import signal
import subprocess
import threading
import time

import pytest

from harness import processes
from harness.load import Load
from harness.waiting import Late, wait_for

SECONDS = float(os.environ.get("POSTHOUSE_CRASH_SECONDS", "60"))
SETTINGS = dict(minimal_backoff_time="1s", maximal_backoff_time="2s", queue_run_delay="1s", in_flow_delay="0",
                smtpd_error_sleep_time="0")
EXPECTED = r"power cut|not completely written|saving corrupt|killed by signal|premature end|lost|timeout|connect to"
MARKS_ARE_SAFE_AFTER = 3    # seconds after a delivery
ENOUGH = 5                  # messages that show what a test is about; how many of 40 do, depends on which processes take them


MAKE = {"ext4": ["mkfs.ext4", "-q", "-F", "-O", "has_journal"], "xfs": ["mkfs.xfs", "-q", "-f"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}
# Ten minutes until the journal commits by itself, so that the names of files are old. XFS has no such option.
OPTIONS = {"ext4": ",commit=600", "xfs": ",nouuid", "btrfs": ",commit=600"}


class Device:
    """A file system in a file."""

    def __init__(self, kind, image, mount):
        self.kind, self.image, self.mount = kind, image, mount
        with open(image, "wb") as file:
            file.truncate(512 << 20)
        subprocess.run([*MAKE[kind], image], check=True)
        self.attach()
        mount.chmod(0o755)

    def attach(self):
        subprocess.run(["mount", "-t", self.kind, "-o", f"loop,noatime{OPTIONS[self.kind]}", self.image, self.mount], check=True)

    def detach(self):
        for _ in range(300):
            if subprocess.run(["umount", self.mount], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        subprocess.run(["umount", "-l", self.mount])

    def cut(self, mta):
        """Stops everything, ends it, and comes back with what the device had."""
        stopped = processes.below(mta.folder)
        for pid in stopped:
            processes.kill(pid, signal.SIGSTOP)
        time.sleep(0.5)    # what was on its way to the device arrives: a copy while it writes would be no moment's
        copy = self.image.with_suffix(".copy")
        subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
        # The master last: stopped children that lose it are continued by the kernel, and would answer 250 after the cut.
        while left := processes.below(mta.folder):
            for pid in sorted(left, key=lambda pid: processes.name_of(pid) == "master"):
                processes.kill(pid)
        self.detach()
        copy.rename(self.image)
        self.attach()


@pytest.fixture(params=sorted(MAKE))
def device(mta, request):
    try:
        device = Device(request.param, mta.folder / "device", mta.queue)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the kernel has no {request.param}, or no loop device: {error}")
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(device.detach)
        yield device
        mta.stop()


def arrive(mta, load, sink):
    """Everything that was acknowledged is at the sink, and the queue is empty."""
    try:
        wait_for(lambda: not mta.ready("incoming", "active", "deferred") and load.acknowledged <= sink.arrivals.keys(),
                 "all that was acknowledged arrives", 60)
    except Late:
        lost = load.acknowledged - sink.arrivals.keys()
        raise AssertionError(f"lost {len(lost)} of {len(load.acknowledged)}: {sorted(lost)[:5]}; "
                             f"left {mta.ready()[:5]}\n{mta.log.text()[-3000:]}") from None


@pytest.fixture
def gate(sink):
    """While it is closed the sink takes no mail, and what the queue has accepted stays there."""
    gate = threading.Event()

    def waiting(session, argument):
        gate.wait(60)
        return "250 2.1.0 Ok"

    sink.on("MAIL", waiting)
    yield gate
    gate.set()


@pytest.mark.needs_root("a loop device")
def test_messages_under_the_names_of_others_are_found(mta, sink, device, gate):
    mta.allowed_trouble.append(EXPECTED)
    mta.start(relayhost=sink.nexthop, **SETTINGS)
    first = [mta.deliver("one@elsewhere.test") for _ in range(40)]
    gate.set()
    sink.wait(len(first))
    mta.wait_empty()
    gate.clear()
    second = [mta.deliver("one@elsewhere.test") for _ in range(40)]
    reused = {queue_id[5:] for queue_id, _ in first} & {queue_id[5:] for queue_id, _ in second}
    assert len(reused) >= ENOUGH, "hardly any file was used again: the test tests nothing"
    device.cut(mta)
    gate.set()
    mta.start()
    for _, message_id in second:
        sink.wait_for_message(message_id)
    mta.wait_empty()
    found = mta.log.grep("where a crash had left it")
    # A new file between them makes the journal commit, and all names before it with it.
    assert len(found) >= ENOUGH or device.kind != "ext4", "hardly any name was undone: the test tests nothing"
    assert all(len(sink.arrivals[message_id]) == 1 for _, message_id in second)


@pytest.mark.needs_root("a loop device")
def test_what_was_acknowledged_survives(mta, sink, device):
    sink.keep_data = False
    mta.allowed_trouble.append(EXPECTED)
    mta.start(relayhost=sink.nexthop, **SETTINGS)
    for _ in range(max(2, int(SECONDS / 30))):
        load = Load(mta.port, clients=12, pause=0.001).start()
        wait_for(lambda: len(load.acknowledged) > 300, "mail flows")
        settled = {message_id: len(sessions) for message_id, sessions in list(sink.arrivals.items())}
        time.sleep(MARKS_ARE_SAFE_AFTER)     # the span that the promise is about
        device.cut(mta)
        load.stop()
        mta.start()
        arrive(mta, load, sink)
        if device.kind == "btrfs":      # keeps even what is written until its next commit
            continue
        again = [message_id for message_id, count in settled.items() if len(sink.arrivals[message_id]) > count]
        assert not again, f"{len(again)} of {len(settled)} that had been delivered long before came again"
