"""kill -9 of any daemon, or of all, at any moment under load: what got 250 arrives, and arrives twice only when an
agent died between the next hop's 250 and its mark in the queue file."""
import os
import random
import threading
import time

import pytest

from harness import processes
from harness.load import Load
from harness.waiting import Late, wait_for

SECONDS = float(os.environ.get("POSTHOUSE_CRASH_SECONDS", "60"))
SETTINGS = dict(minimal_backoff_time="1s", maximal_backoff_time="2s", queue_run_delay="1s", service_throttle_time="1s",
                default_destination_concurrency_failed_cohort_limit="1000", in_flow_delay="0", smtpd_error_sleep_time="0",
                maximal_queue_lifetime="1h", transport_retry_time="1s")
EXPECTED = r"killed by signal|throttling|premature end|problem talking|exit status|unexpected|lost|timeout|connect to|fatal:"


class Killer(threading.Thread):
    def __init__(self, mta, seed):
        super().__init__(daemon=True)
        self.mta = mta
        self.random = random.Random(seed)
        self.agent_kills = []        # (monotonic time, ended at)
        self.kills = {}
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(self.random.uniform(0.05, 0.6)):
            victims = {}
            for pid in processes.below(self.mta.folder):
                name = processes.name_of(pid)
                if name not in ("master", "postfix", "sh", "postlogd", ""):
                    victims.setdefault(name, []).append(pid)
            if victims:
                name = self.random.choice(sorted(victims))
                self._kill(self.random.choice(victims[name]), name)

    def _kill(self, pid, name):
        if processes.kill(pid):
            self.kills[name] = self.kills.get(name, 0) + 1
            if name in ("smtp", "lmtp"):
                self.agent_kills.append(time.monotonic())

    def stop(self):
        self.stopped.set()
        self.join()


def check_nothing_lost(load, sink):
    lost = load.acknowledged - sink.arrivals.keys()
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged messages were lost: {sorted(lost)[:5]}"


def check_doubles(sink, agent_kills, slack=0.0):
    """Between two arrivals of one message an agent must have died."""
    wrong = []
    for message_id, times in sink.arrivals.items():
        for first, second in zip(times, times[1:]):
            if not any(first - slack <= kill <= second for kill in agent_kills):
                wrong.append((message_id, round(second - first, 3)))
    assert not wrong, f"{len(wrong)} messages arrived twice without the death of an agent: {wrong[:5]}"


def settle(mta, load, sink):
    """All queues drain, however long the sink needs for what has piled up; a minute without an arrival is too long."""
    arrived, since = -1, time.monotonic()
    while mta.ready("incoming", "active", "deferred", "maildrop"):
        if len(sink.arrivals) != arrived:
            arrived, since = len(sink.arrivals), time.monotonic()
        if time.monotonic() - since > 60:
            check_nothing_lost(load, sink)
            raise Late(f"the queue does not drain; left {mta.ready()[:10]}\n{mta.log.text()[-3000:]}")
        mta.run("postqueue", "-f", check=False)
        time.sleep(0.5)


def test_random_daemons_die(mta, sink):
    sink.keep_data = False
    mta.allowed_trouble.append(EXPECTED)
    mta.start(relayhost=sink.nexthop, **SETTINGS)
    load = Load(mta.port, pause=0.01).start()
    killer = Killer(mta, seed=os.environ.get("POSTHOUSE_CRASH_SEED", "1"))
    killer.start()
    time.sleep(SECONDS)              # the length of the ordeal, not a wait for something
    killer.stop()
    load.stop()
    settle(mta, load, sink)
    print(f"{len(load.acknowledged)} acknowledged, {load.refused} refused, {len(load.uncertain)} uncertain, kills {killer.kills}, "
          f"{sum(len(times) - 1 for times in sink.arrivals.values())} doubles")
    assert len(load.acknowledged) > 20 and sum(killer.kills.values()) > 5
    check_nothing_lost(load, sink)
    check_doubles(sink, killer.agent_kills, slack=0.05)
    assert not mta.queued("corrupt"), "a queue file was taken for corrupt"


@pytest.mark.parametrize("rounds", [max(2, int(SECONDS / 10))])
def test_everything_dies_at_once(mta, sink, rounds):
    sink.keep_data = False
    mta.allowed_trouble.append(EXPECTED)
    mta.start(relayhost=sink.nexthop, **SETTINGS)
    load = Load(mta.port, pause=0.01).start()
    deaths = []
    choose = random.Random(7)
    for _ in range(rounds):
        time.sleep(choose.uniform(0.5, 2.5))
        deaths.append(time.monotonic())
        while left := processes.below(mta.folder):
            for pid in left:
                processes.kill(pid)
        deaths.append(time.monotonic())
        wait_for(lambda: mta.try_start() == 0, "it starts again after sudden death", interval=0.5)
    time.sleep(1)
    load.stop()
    settle(mta, load, sink)
    check_nothing_lost(load, sink)
    check_doubles(sink, [moment for pair in zip(deaths[::2], deaths[1::2]) for moment in pair], slack=0.5)
    assert not mta.queued("corrupt")


def test_a_mailbox_agent_dies(mta):
    """Maildir delivery: each acknowledged message is there; none is half written in new/."""
    mta.allowed_trouble.append(EXPECTED)
    mta.start(**SETTINGS)
    load = Load(mta.port, clients=4, recipient="alice@virt.test").start()
    end = time.monotonic() + max(5, SECONDS / 4)
    kills = 0
    while time.monotonic() < end:
        time.sleep(0.3)
        for pid in mta.pids("virtual") + mta.pids("local"):
            kills += processes.kill(pid)
    load.stop()
    wait_for(lambda: not mta.ready("incoming", "active", "deferred"), "the queue drains", 120)
    stored = mta.maildir("alice").messages()
    ids = mta.maildir("alice").ids()
    assert load.acknowledged <= set(ids), "lost"
    assert len(ids) - len(set(ids)) <= kills * 8
    assert all(data.endswith((b"x" * 70 + b"\n", b"x" * 70 + b"\r\n")) for data in stored), "a half-written message was delivered"
