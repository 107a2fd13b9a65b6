"""Start, reload, stop, crash of a daemon: what operators do to a running system."""
import array
import os
import signal
import socket
import stat
import subprocess

import pytest

from harness import processes
from harness.message import make
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
    with mta.peer() as open_session:
        with open(mta.config / "master.cf", "a") as file:
            file.write("broken inte n - n - - smtpd\n")
        result = mta.postfix("reload")
        assert result.returncode != 0
        assert f"{mta.config}/master.cf:{len(mta.services) + 1}: service type column" in result.stdout
        assert "reload refused: the configuration has errors, the one in use stays as it was" in result.stdout
        open_session.deliver("alice@virt.test")
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait(2)
    assert not mta.log.grep("reload -- version", "master")


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
@pytest.mark.parametrize("finishes", [True, False], ids=["finishes", "waits"])
def test_a_client_in_data_when_the_system_ends(mta, command, finishes):
    """What got 250 is delivered later; what was not complete leaves no trace. Between the two the client does not know."""
    mta.start()
    with mta.peer() as peer:
        peer.envelope("a@client.test", "alice@virt.test")
        peer.command("DATA", 354)
        peer.send("Subject: half\r\n\r\nfirst line\r\n")
        ending = subprocess.Popen([mta.suite.command("postfix"), "-c", str(mta.config), command], env=mta._environment(),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        mta.log.wait(r"terminating on signal|(?:stopping|aborting) the Postfix mail system")
        is_accepted = False
        try:
            if finishes:
                peer.send("last line\r\n.\r\n")
            is_accepted = peer.reply().code == 250
        except OSError:
            pass                                        # closed without a word
    assert ending.wait(60) == 0
    wait_for(lambda: not processes.below(mta.folder), "all processes end")
    if not finishes:
        assert not is_accepted and not mta.ready()
    mta.start()
    mta.deliver("bob@virt.test")
    mta.maildir("bob").wait()
    if is_accepted:
        mta.maildir("alice").wait()
    wait_for(lambda: not mta.ready(), "an empty queue, except for an unfinished file after an abort")
    assert len(mta.maildir("alice").files()) in ([1] if is_accepted else [0, 1] if finishes else [0])


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


class Foreground:
    """`postfix start-fg` whose standard output is a pipe; what comes out of it becomes the instance's log."""

    def __init__(self, mta, prefix=()):
        self.mta = mta
        mta.configure(maillog_file="/dev/stdout", maillog_file_prefixes="/dev/stdout")
        with open(mta.log.path, "wb") as log:
            self.reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
        self.process = subprocess.Popen([*prefix, mta.suite.command("postfix"), "-c", str(mta.config), "start-fg"],
                                        stdin=subprocess.DEVNULL, stdout=self.reader.stdin, stderr=subprocess.DEVNULL,
                                        env=mta._environment(), cwd="/")
        self.reader.stdin.close()
        mta.log.wait(r"^daemon started -- version ", process="master")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.mta.stop()
        assert self.process.wait(30) in (0, -15, 143)
        assert self.reader.wait(30) == 0                # everybody has closed the pipe


def test_start_fg_logs_on_stdout(mta):
    with Foreground(mta):
        for count, pause in enumerate((mta.reload, lambda: None), 1):
            queue_id, _ = mta.deliver("alice@virt.test")
            mta.maildir("alice").wait(count)
            for daemon in ("smtpd", "cleanup", "qmgr", "virtual"):
                mta.log.wait(rf"^{queue_id}: ", process=daemon)
            pause()


@pytest.mark.needs_root("a process namespace")
@pytest.mark.posthouse_only("the reference's process 1 is its script")
def test_master_as_process_1(mta):
    with Foreground(mta, ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]):
        master = wait_for(lambda: mta.pids("master"), "a master")[0]
        with open(f"/proc/{master}/status") as file:
            assert next(line.split()[-1] for line in file if line.startswith("NSpid:")) == "1"
        mta.deliver("alice@virt.test")
        mta.maildir("alice").wait()
        # A process whose parent ends becomes a child of process 1, which must bury it.
        with subprocess.Popen(["nsenter", "--target", str(master), "--pid", "sh", "-c", "exec 3<&0; cat <&3 & exit 0"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as shell:
            assert shell.wait(30) == 0
            orphan = wait_for(lambda: [pid for pid in children_of(master) if processes.name_of(pid) == "cat"], "an orphan")[0]
            shell.stdin.close()
        wait_for(lambda: not os.path.exists(f"/proc/{orphan}"), "the orphan is buried")
        processes.kill(master, signal.SIGTERM)
        mta.log.wait(r"^terminating on signal 15$", process="master")


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def test_services_of_type_fifo(mta):
    """As in master.cf files that have been kept since Postfix 2."""
    for entry in mta.services:
        if entry[0] in ("pickup", "qmgr"):
            entry[1] = "fifo"
    mta.write()
    mta.start()
    for name in ("pickup", "qmgr"):
        assert stat.S_ISFIFO((mta.queue / "public" / name).stat().st_mode)
    for count in (1, 3):
        mta.sendmail("alice@virt.test", message=b"Subject: x\n\nx\n")
        mta.maildir("alice").wait(count)
        mta.deliver("alice@virt.test")
        mta.maildir("alice").wait(count + 1)
        # Nobody reads an empty FIFO over and over.
        wait_for(lambda: {state_of(pid) for name in ("pickup", "qmgr") for pid in mta.pids(name)} == {"S"}, "they sleep")
        mta.reload()
    mta.run("postqueue", "-f")


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


@pytest.mark.posthouse_only("what is sent with the descriptor differs")
def test_a_service_of_type_pass(mta):
    mta.service("handed", "pass", "smtpd", private="n")
    mta.start()
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(socket.AF_UNIX) as control:
        control.connect(str(mta.queue / "public" / "handed"))
        control.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))])
        theirs.close()
        ours.settimeout(40)
        assert ours.recv(100).startswith(b"220 mx.example.test ESMTP")


@pytest.mark.posthouse_only("clients of the reference wait in its listen queue")
def test_a_hanging_daemon_is_replaced(mta):
    mta.allowed_trouble.append("killed by signal 14|bad command startup")
    mta.services[0][7] += " -o daemon_timeout=2s"
    mta.write()
    mta.start()

    def accepted():
        try:
            return mta.deliver("alice@virt.test")
        except (AssertionError, OSError):               # a loaded machine may stop it for so long as well
            return None
    wait_for(accepted, "mail is accepted")
    victims = mta.pids("smtpd")
    for pid in victims:
        processes.kill(pid, signal.SIGSTOP)
    wait_for(lambda: all(has_pending_alarm(pid) for pid in victims), "their time is over")
    for pid in victims:
        processes.kill(pid, signal.SIGCONT)
    mta.log.wait(r"warning: process \S+/smtpd pid \d+ killed by signal 14$", process="master")
    wait_for(accepted, "mail is accepted again")


def has_pending_alarm(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            pending = [int(line.split()[1], 16) for line in file if line.startswith(("SigPnd:", "ShdPnd:"))]
    except OSError:
        return True                                     # it has gone
    return any(mask >> (signal.SIGALRM - 1) & 1 for mask in pending)


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
        peer.content(make())
        peer.quit()
    assert drain.wait(30) == 0
    wait_for(lambda: not processes.below(mta.folder), "the system ends by itself")


@pytest.mark.posthouse_only("the reference asks for programs of its own in command_directory")
def test_no_start_when_the_queue_cannot_be_put_in_order(mta):
    commands = mta.folder / "commands"
    commands.mkdir()
    for program in mta.suite.commands.iterdir():
        (commands / program.name).symlink_to(program)
    (commands / "postsuper").unlink()
    (commands / "postsuper").write_text("#!/bin/sh\nexit 1\n")
    (commands / "postsuper").chmod(0o755)
    mta.allowed_trouble.append("fatal: mail system startup failed")
    mta.configure(command_directory=commands)
    assert mta.try_start() != 0
    assert "postsuper -s failed" in mta.log.text()
    assert not mta.pids("master")
    mta.configure(command_directory=mta.suite.commands)
    mta.start()
    mta.deliver("alice@virt.test")
