"""The wall clock of a running system jumps, forward and backward: nothing is lost, nothing is sent twice, no mail is given
up or forgotten for it, and no timer hangs or spins."""
import itertools
import os
import time

import pytest

from harness import processes
from harness.clock import DAY, MovedClock
from harness.load import Load
from harness.sink import HANG
from harness.waiting import wait_for

LATER = dict(minimal_backoff_time="1h", maximal_backoff_time="1h")


def deferred_message(mta, sink):
    """(queue id, Message-Id) of one that waits for its time."""
    sink.on("RCPT", "451 4.2.0 later", times=1)
    queue_id, message_id = mta.deliver("one@elsewhere.test", sender="alice@virt.test")
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>.*status=deferred ")
    mta.wait_queue("deferred", 1)
    return queue_id, message_id


@pytest.mark.posthouse_only("the timers of the reference follow the wall clock")
def test_a_jump_forward_that_is_taken_back_expires_nothing(mta, sink):
    clock = MovedClock(mta)
    mta.start(relayhost=sink.nexthop, queue_run_delay="1h", **LATER)
    _, waiting = deferred_message(mta, sink)
    clock.set(20 * DAY)
    sink.wait_for_message(mta.deliver("two@elsewhere.test")[1])
    mta.run("postqueue", "-p")
    clock.set(0)
    sink.wait_for_message(mta.deliver("three@elsewhere.test")[1])
    assert len(mta.queued("deferred")) == 1
    mta.run("postqueue", "-f")
    sink.wait_for_message(waiting)
    mta.wait_empty()
    assert not mta.log.has("status=(expired|bounced)") and not mta.maildir("alice").ids()


def test_a_late_attempt_during_a_jump_forward_decides_as_ever(mta, sink):
    """The message is over-aged by the clock that is: it is tried once more, and is delivered when that succeeds."""
    clock = MovedClock(mta)
    mta.start(relayhost=sink.nexthop, queue_run_delay="1s", **LATER)
    _, waiting = deferred_message(mta, sink)
    clock.set(20 * DAY)
    sink.wait_for_message(waiting)
    mta.wait_empty()
    assert not mta.log.has("status=(expired|bounced)")


@pytest.mark.posthouse_only("the reference waits until the clock has caught up (docs/differences.md)")
def test_deferred_mail_is_tried_again_after_a_jump_backward(mta, sink):
    clock = MovedClock(mta, 20 * DAY)
    mta.start(relayhost=sink.nexthop, queue_run_delay="1s", **LATER)
    queue_id, waiting = deferred_message(mta, sink)
    mta.postfix("stop")
    clock.set(10 * DAY)
    mta.start()
    sink.wait_for_message(waiting)
    mta.log.wait(rf"^{queue_id}: removed$")
    _, waiting = deferred_message(mta, sink)
    clock.set(0)          # while it runs
    sink.wait_for_message(waiting)
    mta.wait_empty()


@pytest.mark.posthouse_only("the timers of the reference follow the wall clock")
def test_jumps_under_load(mta, sink):
    sink.keep_data = False
    clock = MovedClock(mta)
    # Each tenth recipient is put off: those messages meet the clock in every queue.
    turns = itertools.count()
    sink.on("RCPT", lambda session, line: "451 4.2.0 later" if next(turns) % 10 == 0 else "250 2.1.5 Ok")
    mta.start(relayhost=sink.nexthop, queue_run_delay="1s", minimal_backoff_time="1s", maximal_backoff_time="2s",
              maximal_queue_lifetime="100d", bounce_queue_lifetime="100d", in_flow_delay="0")
    load = Load(mta.port, clients=4).start()
    for ahead in (10 * DAY, 0, 3600, 1, 50 * DAY, 20 * DAY, 30, 0):
        reached = len(load.acknowledged) + 20
        wait_for(lambda: len(load.acknowledged) >= reached, f"mail is taken before the clock goes to {ahead}")
        clock.set(ahead)
    load.stop()
    wait_for(lambda: not mta.queued(), lambda: f"the queues drain; left {mta.queued()}\n{mta.log.text()[-3000:]}")
    assert not load.refused and not load.uncertain
    assert load.acknowledged == sink.arrivals.keys()
    assert all(len(arrivals) == 1 for arrivals in sink.arrivals.values())
    assert mta.log.has("status=deferred") and not mta.log.has("status=(expired|bounced)")


@pytest.mark.posthouse_only("the timers of the reference follow the wall clock")
def test_timers_neither_hang_nor_spin(mta, sink):
    """Time-outs and queue runs that are being waited for when the clock jumps come as if it had not."""
    clock = MovedClock(mta, 20 * DAY)
    sink.on("RCPT", HANG, times=1)
    mta.start(relayhost=sink.nexthop, smtpd_timeout="3s", smtp_rcpt_timeout="3s", queue_run_delay="1s",
              minimal_backoff_time="1s", maximal_backoff_time="2s", maximal_queue_lifetime="100d")
    began, used = time.monotonic(), ticks(mta)
    for ahead in (0, 40 * DAY):
        with mta.peer() as peer:
            queue_id, message_id = mta.deliver("one@elsewhere.test")
            sink.wait_until(lambda: any("RCPT" in line for _, line in sink.commands), "the delivery waits")
            clock.set(ahead)
            assert peer.reply().code == 421
            assert peer.is_closed()
        mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>.*status=deferred \(.* timed out while sending RCPT TO\)$")
        clock.set(20 * DAY)
        sink.wait_for_message(message_id)
        mta.wait_empty()
        sink.on("RCPT", HANG, times=1)
        sink.commands.clear()
    passed = (time.monotonic() - began) * os.sysconf("SC_CLK_TCK")
    busy = {name: spent - used.get((pid, name), 0) for (pid, name), spent in ticks(mta).items()
            if spent - used.get((pid, name), 0) > passed / 5}
    assert not busy, f"clock ticks of {passed:.0f}: {busy}"


def ticks(mta):
    """Processor time of each process by (pid, name)."""
    return {(pid, processes.name_of(pid)): processes.cpu_ticks(pid, with_dead_children=False)
            for pid in processes.below(mta.folder)}
