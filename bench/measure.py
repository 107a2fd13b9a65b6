"""What the benches share: the machine, file systems to work on, processor time, load."""
import contextlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path

from harness import processes
from harness.instance import Instance
from harness.ports import free_port
from harness.waiting import wait_for

TICKS = os.sysconf("SC_CLK_TCK")


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return {"date": date.today().isoformat(), "processor": model, "cores": os.cpu_count(), "memory_mib": memory,
            "kernel": platform.release()}


@contextlib.contextmanager
def file_system(name, size_mib=4096):
    """A scratch directory on the machine's own file system (`own`) or on a fresh loop-mounted ext4 with a journal."""
    with tempfile.TemporaryDirectory(prefix="posthouse-bench-", dir=os.environ.get("POSTHOUSE_BENCH_DIR", "/var/tmp")) as scratch:
        os.chmod(scratch, 0o755)
        if name == "own":
            yield Path(scratch)
            return
        image, mount = Path(scratch, "image"), Path(scratch, "mount")
        mount.mkdir()
        with open(image, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size_mib << 20)
        _run("mkfs.ext4", "-q", "-F", "-O", "has_journal", image)
        _run("mount", "-o", "loop,noatime", image, mount)
        try:
            mount.chmod(0o755)
            yield mount
        finally:
            for _ in range(20):
                if subprocess.run(["umount", mount], stderr=subprocess.DEVNULL).returncode == 0:
                    break
                time.sleep(0.5)


def kind_of(directory):
    return subprocess.run(["findmnt", "-no", "FSTYPE,OPTIONS", "-T", str(directory)], capture_output=True, text=True).stdout.strip()


def _run(*command):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class SmtpSink:
    """smtp-sink of Debian's Postfix on a loopback port."""

    def __enter__(self):
        self.port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(["/usr/sbin/smtp-sink", *user, f"127.0.0.1:{self.port}", "1024"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(self._listens, "smtp-sink listens", 10)
        return self

    def _listens(self):
        import socket
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def __exit__(self, *unused):
        self._process.terminate()
        self._process.wait()


def smtp_source(port, count, sessions=10, size=4096, reuse=True, recipients=1):
    command = ["/usr/sbin/smtp-source", "-s", str(min(sessions, count)), "-m", str(count), "-l", str(size), "-r", str(recipients),
               "-f", "sender@bench.test", "-t", "recipient@sink.test", *(["-d"] if reuse else []), f"127.0.0.1:{port}"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=900)


def instance(suite, folder, **parameters):
    mta = Instance(suite, folder, "bench")
    mta.configure(mynetworks="127.0.0.0/8", **parameters)
    return mta


def _any_file(directory):
    with os.scandir(directory) as entries:
        return any(entry.is_file() or any(True for _ in os.scandir(entry.path)) for entry in entries)


def empty(mta, queues=("incoming", "active", "deferred")):
    return not any(_any_file(mta.queue / queue) for queue in queues)


def cpu_seconds(mta):
    """Processor time so far of master, of its children, and of those it has buried."""
    return sum(processes.cpu_ticks(pid) for pid in processes.below(mta.folder)) / TICKS


def cpu_by_daemon(mta):
    """Seconds in user mode and in the kernel so far, of each kind of living process."""
    spent = {}
    for pid in processes.below(mta.folder):
        ticks = spent.setdefault(processes.name_of(pid), [0, 0])
        for mode, count in enumerate(processes.user_and_system_ticks(pid)):
            ticks[mode] += count
    return {name: [count / TICKS for count in ticks] for name, ticks in spent.items()}


def one_run(mta, count, queues=("incoming", "active", "deferred"), **load):
    """Seconds from the first command until the queue is empty, and processor seconds of the suite."""
    before = cpu_seconds(mta)
    start = time.monotonic()
    smtp_source(mta.port, count, **load)
    wait_for(lambda: empty(mta, queues), "the queue is empty", 900, 0.005)
    return time.monotonic() - start, cpu_seconds(mta) - before


def save(path, result):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path}")


def free_space(directory):
    return shutil.disk_usage(directory).free
