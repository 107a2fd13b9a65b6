"""Start, reload, stop, crash of a daemon: what operators do to a running system."""
import os
import signal
import subprocess

import pytest

from harness import processes
from harness.sink import HANG
from harness.waiting import wait_for


def test_status_and_stop(mta):
    assert mta.postfix("status").returncode != 0
    mta.start()
    assert mta.postfix("status").returncode == 0
    mta.log.wait(rf"the Postfix mail system is running: PID: {mta.master_pid}$")
    mta.log.wait(rf"^daemon started -- version \S+, configuration {mta.config}$", process="master")
    assert mta.postfix("stop").returncode == 0
    wait_for(lambda: not processes.below(mta.folder), "all processes end")
    assert mta.postfix("status").returncode != 0
    mta.allowed_trouble.append("is not running")
    assert mta.postfix("stop").returncode != 0


def test_reload_uses_the_new_configuration(mta):
    mta.start()
    mta.configure(smtpd_banner="$myhostname after reload", virtual_mailbox_maps="inline:{{carol@virt.test=carol/}}")
    mta.reload()
    def banner():
        with mta.peer(greet=False) as peer:
            return peer.reply().text
    wait_for(lambda: banner() == "220 mx.example.test after reload", "the new banner")
    mta.deliver("carol@virt.test")
    mta.maildir("carol").wait()


@pytest.mark.posthouse_only("the reference ends idle sessions when it can")
def test_reload_keeps_sessions(mta):
    mta.start()
    with mta.peer() as peer, mta.peer() as other:
        other.envelope("a@client.test", "alice@virt.test")
        mta.reload()
        mta.reload()
        peer.deliver("alice@virt.test")
        from harness.message import make
        other.content(make())
        peer.quit()
    mta.maildir("alice").wait(2)


def test_a_transaction_survives_reload(mta):
    mta.start()
    with mta.peer() as peer:
        peer.envelope("a@client.test", "alice@virt.test")
        peer.command("DATA", 354)
        peer.send("Subject: slow\r\n\r\n")
        mta.reload()
        peer.send("end\r\n.\r\n")
        peer.expect(250)
    mta.maildir("alice").wait()


@pytest.mark.posthouse_only("the reference reads a broken main.cf as far as it goes")
def test_a_broken_reload_keeps_the_old_configuration(mta):
    mta.start()
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()
    mta.allowed_trouble.append("fatal|error")
    good = dict(mta.main)
    mta.configure(message_size_limit="plenty")
    result = mta.postfix("reload")
    assert result.returncode != 0
    assert "message_size_limit" in result.stdout and "reload refused" in result.stdout
    processes.kill(mta.master_pid, signal.SIGHUP)      # what others may send
    mta.log.wait("reload refused: the configuration in use stays as it was", process="master")
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait(2)
    mta.main = good
    mta.write()
    mta.reload()
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait(3)


@pytest.mark.posthouse_only("the reference stops on a broken master.cf")
def test_a_broken_master_cf_keeps_the_old_services(mta):
    mta.start()
    mta.allowed_trouble.append("fatal|error|master.cf")
    with open(mta.config / "master.cf", "a") as file:
        file.write("broken inte n - n - - smtpd\n")
    mta.postfix("reload")
    mta.log.wait(rf"{mta.config}/master\.cf:(?: line )?\d+: ")
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()


def test_a_new_service_appears_with_reload(mta):
    mta.start()
    port = mta.smtpd_service(None, "smtpd_banner=second")
    mta.reload()
    wait_for(lambda: _can_connect(mta, port), "the new listener")
    with mta.peer(port) as peer:
        assert peer.greeting.text == "220 second"


def _can_connect(mta, port):
    try:
        mta.peer(port, greet=False).close()
        return True
    except OSError:
        return False


@pytest.mark.parametrize("daemon", ["smtpd", "cleanup", "trivial-rewrite", "qmgr"])
def test_a_killed_daemon_is_replaced(mta, daemon):
    mta.allowed_trouble.append("killed by signal 9|throttling|premature end-of-input|problem talking|unexpected|connect")
    mta.start(service_throttle_time="1s")
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()
    victims = mta.pids(daemon)
    assert victims, f"no {daemon} runs"
    for pid in victims:
        processes.kill(pid)
    mta.log.wait(rf"warning: process \S+/{daemon} pid \d+ killed by signal 9$", process="master")
    def accepted():
        try:
            return mta.deliver("alice@virt.test")
        except (AssertionError, OSError):
            return None
    wait_for(accepted, f"mail is accepted after the death of {daemon}", interval=0.2)
    mta.maildir("alice").wait(2)


@pytest.mark.parametrize("command", ["stop", "abort"])
def test_a_message_in_delivery_survives(mta, sink, command):
    sink.on("MESSAGE", HANG)
    mta.start(relayhost=sink.nexthop)
    queue_id, _ = mta.deliver("one@elsewhere.test")
    sink.wait_until(lambda: any(line == "DATA" for _, line in sink.commands), "the message is under way")
    mta.postfix(command)
    wait_for(lambda: not processes.below(mta.folder), "all processes end")
    assert mta.queued("active", "deferred", "incoming") == [queue_id]
    sink.clear()
    mta.start()
    mta.run("postqueue", "-f")
    sink.wait()
    mta.wait_empty()


@pytest.mark.posthouse_only("an extension of the start-fg command")
def test_start_fg_and_readiness(mta):
    read, write = os.pipe()
    process = subprocess.Popen([mta.suite.command("postfix"), "-c", str(mta.config), "start-fg", f"--ready-fd={write}"],
                               pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=mta._environment(), cwd="/")
    os.close(write)
    try:
        assert os.read(read, 1) == b"\n"
        mta.deliver("alice@virt.test")
        mta.maildir("alice").wait()
        process.terminate()
        assert process.wait(30) in (0, -15)
    finally:
        os.close(read)
        process.kill()
        process.wait()


@pytest.mark.posthouse_only("an extension of master.cf")
def test_port_zero_is_written_to_pid_ports(mta):
    mta.services[0][0] = "127.0.0.1:0"
    mta.write()
    mta.allowed_trouble.append("^$")
    assert mta.try_start() == 0
    ports = (mta.queue / "pid" / "ports").read_text().splitlines()
    service, address, port = ports[0].split()
    assert address == "127.0.0.1" and int(port) > 0
    mta.port = int(port)
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()


@pytest.mark.posthouse_only("the reference leaves sessions without the services they need")
def test_drain_finishes_sessions(mta):
    mta.start()
    with mta.peer() as peer:
        peer.envelope("a@client.test", "alice@virt.test")
        drain = subprocess.Popen([mta.suite.command("postfix"), "-c", str(mta.config), "drain"], env=mta._environment(),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: not _can_connect(mta, mta.port), "no new sessions are taken")
        from harness.message import make
        peer.content(make())
        peer.quit()
    assert drain.wait(30) == 0
    wait_for(lambda: not processes.below(mta.folder), "the system ends by itself")
