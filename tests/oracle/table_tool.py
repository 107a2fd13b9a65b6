"""postmap and postalias of one suite, and answers that can be compared with the other's."""
import os
import subprocess
import time
from pathlib import Path

# For a build with sanitizers. Libraries without frame pointers are seen in the slow way only.
LEAKS = {"ASAN_OPTIONS": "fast_unwind_on_malloc=0:symbolize=0",
         "LSAN_OPTIONS": f"suppressions={Path(__file__).parent.parent}/harness/leaks.supp:print_suppressions=0"}


class Tool:
    """Works in one folder."""

    def __init__(self, suite, folder):
        self.suite, self.folder = suite, folder
        self.config = folder / f"config-{suite.name}"
        self.config.mkdir()
        settings = {"compatibility_level": "3.6", "queue_directory": folder, "data_directory": folder,
                    "myhostname": "mx.example.test", **suite.directories()}
        write(self.config, {"main.cf": "".join(f"{name} = {value}\n" for name, value in settings.items()), "master.cf": ""})

    def command(self, command, *arguments):
        return [self.suite.command(command), "-c", str(self.config), *map(os.fsencode, map(str, arguments))]

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "TZ": "UTC", "TABLE_CASE": "from environ", **LEAKS}

    def run(self, command, *arguments, input=b"", **options):
        done = subprocess.run(self.command(command, *arguments), input=input, capture_output=True, cwd=self.folder,
                              env=self.environment(), timeout=60, **options)
        return Answer(done, command)

    def newaliases(self):
        done = subprocess.run([self.suite.command("sendmail"), "-bi"], stdin=subprocess.DEVNULL, capture_output=True, cwd=self.folder,
                              env={**self.environment(), "MAIL_CONFIG": str(self.config)}, timeout=60)
        return Answer(done, "postalias")

    def start(self, command, *arguments):
        return subprocess.Popen(self.command(command, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, cwd=self.folder, env=self.environment())


class Answer:
    def __init__(self, done, command):
        self.status, self.output = done.returncode, done.stdout
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        prefix = command + ": "
        # The reference reads some files several times over; each complaint counts once.
        self.complaints = sorted({line.removeprefix(prefix) for line in lines})

    def __eq__(self, other):
        return (self.status, self.output, self.complaints) == (other.status, other.output, other.complaints)

    def __repr__(self):
        return f"\n  status {self.status}\n  output {self.output!r}\n  complaints {self.complaints}"


def write(folder, files):
    """Files that look an hour old: the reference waits for files that were changed just now to settle."""
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogateescape"))
        os.utime(folder / name, (time.time() - 3600, time.time() - 3600))
