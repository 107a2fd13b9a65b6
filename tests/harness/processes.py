"""Finds the processes of a private directory through /proc: by working directory or command line.

Daemons work inside their queue directory, so none can hide from this."""
import os
import re
import signal
import subprocess

from .waiting import wait_for


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def name_of(pid):
    return _read(f"/proc/{pid}/comm").decode(errors="replace").strip()


def is_zombie(pid):
    stat = _read(f"/proc/{pid}/stat")
    return not stat or stat.rsplit(b")", 1)[1].split()[0] == b"Z"


def below(directory):
    """Live processes whose working directory or command line lies in `directory`."""
    directory = str(directory)
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        inside = _link(f"/proc/{entry}/cwd").startswith(directory) or \
            directory.encode() in _read(f"/proc/{entry}/cmdline")
        if inside and not is_zombie(int(entry)):
            found.append(int(entry))
    return found


def named(directory, name):
    return [pid for pid in below(directory) if name_of(pid) == name[:15]]


def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
        return True
    except ProcessLookupError:
        return False


def tcp_ports(pid):
    """Local ports of the TCP sockets that a process has open."""
    links = {_link(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
    rows = [row.split() for table in ("tcp", "tcp6") for row in _read(f"/proc/{pid}/net/{table}").decode().splitlines()[1:]]
    return {int(row[1].rsplit(":", 1)[1], 16) for row in rows if f"socket:[{row[9]}]" in links}


def end_all(directory, timeout=10):
    """Ends what is left, kindly first; returns the names of those that did not go by themselves."""
    left = {pid: name_of(pid) for pid in below(directory)}
    for pid in left:
        kill(pid, signal.SIGTERM)
    try:
        wait_for(lambda: not below(directory), "processes end", timeout / 2)
    except AssertionError:
        for pid in below(directory):
            kill(pid)
        wait_for(lambda: not below(directory), "killed processes vanish", timeout / 2)
    return sorted(left.values())


def limit(pid, what, soft):
    """Sets a soft limit ("nofile", "as") of a running process, as the user that it runs as, who may; returns the old one."""
    ids = dict(re.findall(rb"^(Uid|Gid):\s+(\d+)", _read(f"/proc/{pid}/status"), re.M))
    if not ids:
        return None       # it has ended

    def prlimit(*arguments):
        return subprocess.run(["prlimit", "--pid", str(pid), *arguments], capture_output=True, text=True, check=True,
                              user=int(ids[b"Uid"]), group=int(ids[b"Gid"]), extra_groups=[]).stdout.strip()
    before = prlimit(f"--{what}", "--output=SOFT", "--noheadings", "--raw")
    prlimit(f"--{what}={soft}:")
    return before


def resident_bytes(pid):
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def user_and_system_ticks(pid):
    stat = _read(f"/proc/{pid}/stat")
    return tuple(int(field) for field in stat.rsplit(b")", 1)[1].split()[11:13]) if stat else (0, 0)


def cpu_ticks(pid, with_dead_children=True):
    """User + system time of a process in clock ticks, and that of the children it has reaped."""
    stat = _read(f"/proc/{pid}/stat")
    if not stat:
        return 0
    fields = stat.rsplit(b")", 1)[1].split()
    last = 15 if with_dead_children else 13
    return sum(int(field) for field in fields[11:last])
