"""kill -9 of any daemon, or of all, at any moment under load: what got 250 arrives, and arrives twice only when an
agent died between the next hop's 250 and its mark in the queue file."""
import os
import random
import signal
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
ALWAYS_THERE = {"smtpd", "cleanup", "qmgr", "smtp", "trivial-rewrite"}


class Deaths:
    """Kills processes; remembers which, and which connections the delivery agents among them had."""

    def __init__(self):
        self.count = {}              # name -> deaths
        self._agent_of_port = {}     # local port -> which death it was

    def kill(self, *pids):
        """All of them are stopped before the first dies, as when the machine does."""
        names = {pid: processes.name_of(pid) for pid in pids if processes.kill(pid, signal.SIGSTOP)}
        for pid, name in names.items():
            if name in ("smtp", "lmtp"):
                self._agent_of_port |= dict.fromkeys(self._ports(pid), (name, self.count.get(name, 0)))
            if processes.kill(pid):
                self.count[name] = self.count.get(name, 0) + 1

    @staticmethod
    def _ports(pid):
        try:
            return processes.tcp_ports(pid)
        except (FileNotFoundError, ProcessLookupError):     # it ended by itself before it could be stopped
            return set()

    def unexplained(self, sink):
        """Message-Ids that arrived again though no agent died in the delivery before, or one death for two of them."""
        found = []
        for message_id, sessions in sink.arrivals.items():
            blamed = {self._blamed(sink, session, message_id) for session in sessions[:-1]}
            if None in blamed or len(blamed) != len(sessions) - 1:
                found.append(message_id)
        return found

    def _blamed(self, sink, session, message_id):
        ending = sink.endings.get(session)
        if ending is None or not ending.is_broken or ending.last != message_id:
            return None
        return self._agent_of_port.get(sink.client_ports[session])


class Killer(threading.Thread):
    """Kills now this, now that daemon of an instance. No kind dies much more often than the one that died least: none is
    spared by chance, and on a slow machine those that start last come to life too."""

    def __init__(self, mta, seed):
        super().__init__(daemon=True)
        self.mta = mta
        self.random = random.Random(seed)
        self.deaths = Deaths()
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(self.random.uniform(0.05, 0.6)):
            victims = {}
            for pid in processes.below(self.mta.folder):
                name = processes.name_of(pid)
                if name not in ("master", "postfix", "sh", ""):
                    victims.setdefault(name, []).append(pid)
            fewest = min(self.deaths.count.get(name, 0) for name in ALWAYS_THERE)
            if candidates := sorted(name for name in victims if self.deaths.count.get(name, 0) <= fewest + 2):
                self.deaths.kill(self.random.choice(victims[self.random.choice(candidates)]))

    def stop(self):
        self.stopped.set()
        self.join()


def check_nothing_lost(load, sink):
    lost = load.acknowledged - sink.arrivals.keys()
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged messages were lost: {sorted(lost)[:5]}"


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


def check(mta, load, sink, deaths):
    load.stop()
    settle(mta, load, sink)
    doubles = sum(len(sessions) - 1 for sessions in sink.arrivals.values())
    print(f"{len(load.acknowledged)} acknowledged, {load.refused} refused, {len(load.uncertain)} uncertain, "
          f"deaths {deaths.count}, {doubles} doubles")
    check_nothing_lost(load, sink)
    assert not deaths.unexplained(sink), "messages arrived again, and no agent died in their delivery"
    assert not mta.queued("corrupt"), "a queue file was taken for corrupt"


@pytest.fixture
def load(mta, sink):
    """A running instance under load."""
    sink.keep_data = False
    mta.allowed_trouble.append(EXPECTED)
    mta.start(relayhost=sink.nexthop, **SETTINGS)
    return Load(mta.port, pause=0.01).start()


def test_random_daemons_die(mta, sink, load):
    killer = Killer(mta, seed=os.environ.get("POSTHOUSE_CRASH_SEED", "1"))
    killer.start()
    time.sleep(SECONDS)              # the length of the ordeal, not a wait for something
    wait_for(lambda: killer.deaths.count.keys() >= ALWAYS_THERE, lambda: f"each kind dies: {killer.deaths.count}", 120)
    killer.stop()
    check(mta, load, sink, killer.deaths)
    assert len(load.acknowledged) > 20


def restart(mta):
    wait_for(lambda: mta.try_start() == 0, "it starts again after sudden death", interval=0.5)


def more(load, count=20):
    reached = len(load.acknowledged) + count
    wait_for(lambda: len(load.acknowledged) >= reached, lambda: f"mail is taken: {len(load.acknowledged)}")


@pytest.mark.parametrize("rounds", [max(3, int(SECONDS / 6))])
def test_everything_dies_at_once(mta, sink, load, rounds):
    deaths = Deaths()
    choose = random.Random(7)
    for _ in range(rounds):
        more(load, choose.randint(10, 200))
        while left := processes.below(mta.folder):
            deaths.kill(*left)
        restart(mta)
    more(load)
    check(mta, load, sink, deaths)


@pytest.mark.parametrize("rounds", [max(3, int(SECONDS / 10))])
def test_master_dies_alone(mta, sink, load, rounds):
    """Its daemons see it and end; deliveries end with them, so that the next master's repeat none."""
    deaths = Deaths()
    for _ in range(rounds):
        more(load)
        deaths.kill(mta.master_pid)
        restart(mta)
    more(load)
    check(mta, load, sink, deaths)
    assert deaths.count == {"master": rounds}


def test_a_dead_queue_manager_is_not_followed(mta, sink):
    """Its request still lies in the agent's socket when its successor asks for the same."""
    mta.allowed_trouble.append(EXPECTED)
    mta.start(relayhost=sink.nexthop, **SETTINGS)
    mta.deliver("one@elsewhere.test")
    sink.wait()
    mta.wait_empty()
    agents = mta.pids("smtp")
    for pid in agents:
        processes.kill(pid, signal.SIGSTOP)
    try:
        queue_id, message_id = mta.deliver("one@elsewhere.test")
        opened = rf"{queue_id}: from=.*queue active"
        mta.log.wait(opened, process="qmgr")
        processes.kill(*mta.pids("qmgr"))
        mta.run("postkick", "public", "qmgr", "I")
        wait_for(lambda: len(mta.log.grep(opened, "qmgr")) == 2, "the next queue manager has opened it")
    finally:
        for pid in agents:
            processes.kill(pid, signal.SIGCONT)
    mta.wait_empty()
    assert len(sink.arrivals[message_id]) == 1


def test_a_mailbox_agent_dies(mta):
    """Maildir delivery: each acknowledged message is there, twice at most for each delivery that a death cut short; none is
    half written in new/."""
    mta.allowed_trouble.append(EXPECTED)
    at_once = 2
    mta.start(virtual_destination_concurrency_limit=at_once, initial_destination_concurrency=at_once, **SETTINGS)
    load = Load(mta.port, clients=4, recipient="alice@virt.test", pause=0.1).start()
    deaths = Deaths()
    for _ in range(max(5, int(SECONDS / 4))):
        more(load, 5)
        wait_for(lambda: mta.pids("virtual"), "an agent runs")
        deaths.kill(*mta.pids("virtual"))
    load.stop()
    wait_for(lambda: not mta.ready("incoming", "active", "deferred"), "the queue drains", 120)
    stored = mta.maildir("alice").messages()
    ids = mta.maildir("alice").ids()
    assert load.acknowledged <= set(ids), "lost"
    assert deaths.count["virtual"] >= 5
    assert len(ids) - len(set(ids)) <= deaths.count["virtual"] * at_once
    assert all(data.endswith((b"x" * 70 + b"\n", b"x" * 70 + b"\r\n")) for data in stored), "a half-written message was delivered"
