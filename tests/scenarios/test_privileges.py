"""Who the daemons are when root starts them: user, groups, root directory and what they may become, as /proc tells."""
import os
import pwd
import re
import socket

import pytest

from harness import processes
from harness.waiting import wait_for

pytestmark = [pytest.mark.needs_root("changes of user and chroot"),
              pytest.mark.posthouse_only("processes of the reference end before one can look at them all")]
# What Debian's master.cf runs in the queue directory.
CHROOTED = {"smtpd", "pickup", "cleanup", "rewrite", "bounce", "defer", "trace", "verify", "flush", "smtp", "relay", "showq",
            "error", "retry", "discard", "lmtp"}
KEEP_ROOT = {"local", "virtual"}


@pytest.fixture
def confined(mta):
    for entry in mta.services:
        name = "smtpd" if entry[1] == "inet" else entry[0]
        entry[4] = "y" if name in CHROOTED else "n"
    mta.write()
    return mta


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def process_of(mta, service):
    """The process of a master.cf service; it is started by a client."""
    name, kind, is_public = service[0], service[1], service[2] == "n"
    if kind == "unix":
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"/proc/self/fd/{mta.queue_fd}/{'public' if is_public else 'private'}/{name}")
    wanted = f"-n\0{name}\0-t\0{kind}\0".encode()

    def find():
        for pid in processes.below(mta.queue):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if wanted in file.read() and is_settled(pid, service):
                        return pid
            except OSError:
                continue
        return None
    return wait_for(find, f"a process of {name}/{kind} with its final rights")


def is_settled(pid, service):
    """It begins as root; what it becomes last is no-new-privs, or for those that stay root nothing."""
    return service[0] in KEEP_ROOT or status_of(pid)["NoNewPrivs"] == "1"


def test_every_daemon_has_the_rights_it_needs_and_no_others(confined):
    mta = confined
    mta.start()
    owner = pwd.getpwnam("postfix")
    groups = set(os.getgrouplist(owner.pw_name, owner.pw_gid))
    mta.queue_fd = os.open(mta.queue, os.O_PATH)          # socket names have at most 107 bytes
    mta.deliver("alice@virt.test")                        # starts smtpd
    mta.maildir("alice").wait()
    seen = 0
    for service in mta.services:
        if service[1] == "unix-dgram":
            continue
        pid, name = process_of(mta, service), "smtpd" if service[1] == "inet" else service[0]
        status = status_of(pid)
        if name in KEEP_ROOT:
            assert status["Uid"].split() == ["0"] * 4, f"{name}: {status['Uid']}"
        else:
            assert status["Uid"].split() == [str(owner.pw_uid)] * 4, f"{name}: {status['Uid']}"
            assert status["Gid"].split() == [str(owner.pw_gid)] * 4, f"{name}: {status['Gid']}"
            assert set(map(int, status["Groups"].split())) == groups, f"{name}: {status['Groups']}"
            assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0, f"{name}: {status['CapEff']}"
        assert os.readlink(f"/proc/{pid}/root") == (str(mta.queue) if name in CHROOTED else "/"), name
        assert os.readlink(f"/proc/{pid}/cwd") == str(mta.queue), name
        seen += 1
    os.close(mta.queue_fd)
    assert seen >= len(CHROOTED | KEEP_ROOT)


def test_mail_flows_through_confined_daemons(confined, dns, sink):
    mta = confined
    dns.add("next.test. 60 A 127.0.0.1")
    mta.start(relayhost=f"[next.test]:{sink.port}", mydestination="mx.example.test")
    mta.deliver(["alice@virt.test", "far@elsewhere.test"], sender="sender@virt.test")
    mta.maildir("alice").wait()
    sink.wait()
    mta.sendmail("-f", "sender@virt.test", "nobody-such@virt.test", message=b"Subject: x\n\nx\n")
    mta.log.wait(r"to=<nobody-such@virt\.test>.*status=bounced")
    mta.maildir("sender").wait()                          # the notice
    mta.wait_empty()
    for process in ("smtpd", "cleanup", "smtp", "bounce", "pickup"):
        assert mta.log.grep(".", process), f"no line of {process} in the log"
    assert not mta.log.grep(re.escape("Permission denied"))


def test_a_mailbox_agent_writes_with_the_rights_of_the_recipient(confined):
    mta = confined
    mta.start()
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()
    file, = mta.maildir("alice").files()
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (5000, 5000, 0o600)
