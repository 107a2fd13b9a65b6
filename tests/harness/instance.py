"""A private mail host: own configuration, queue, data, log and mail directories below one folder.

    mta = Instance(suite, folder)
    mta.start(relayhost=sink.nexthop)
    with mta.peer() as peer: peer.deliver("bob@elsewhere.test")

Runs the real programs through `postfix -c DIR`, as root or as a plain user. check() at the end fails if the
log tells of a crash or a process is left."""
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from . import processes, users
from .log import TROUBLE, Log
from .maildir import Maildir
from .peer import Peer
from .ports import free_port
from .waiting import wait_for

IS_ROOT = os.geteuid() == 0
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
MAIL_UID = 5000 if IS_ROOT else os.geteuid()
MAIL_GID = 5000 if IS_ROOT else os.getegid()
_KEPT_SERVICES = {"pickup", "cleanup", "qmgr", "rewrite", "bounce", "defer", "trace", "verify", "flush", "proxymap",
                  "proxywrite", "smtp", "relay", "showq", "error", "retry", "discard", "local", "virtual", "lmtp", "anvil",
                  "scache", "postlog", "tlsmgr"}

# Daemons that a reload replaces (the others read their configuration again).
_RENEWED = ("smtpd", "cleanup", "trivial-rewrite", "proxymap", "pickup", "smtp", "lmtp", "local", "virtual")


class Instance:
    def __init__(self, suite, folder, name="mx"):
        self.suite = suite
        self.folder = Path(folder)
        self.config, self.queue, self.data, self.mail = (self.folder / sub for sub in ("config", "queue", "data", "mail"))
        for directory in (self.config, self.queue, self.data, self.mail):
            directory.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.hostname = f"{name}.example.test"
        self.port = free_port()
        self.log = Log(self.folder / "log")
        self.console = self.folder / "console"
        self.allowed_trouble = []
        self.mounts = {}                   # with root: {"/etc/resolv.conf": the file that this instance sees there}
        self.command_directory = suite.commands
        self.user_default = None           # users.admit_users()
        self.environment = {}
        self.start_prefix = []             # for limits: ["prlimit", "--nofile=64"]
        self.main = self._default_main()
        self.main_text = ""                # goes into main.cf as it is; what it sets replaces the settings of `main`
        self.services = self._default_services()
        if IS_ROOT:
            os.chown(self.data, *_owner_ids())
            os.chown(self.mail, MAIL_UID, MAIL_GID)
        self.write()

    # Configuration -------------------------------------------------------------------------------

    def _default_main(self):
        owner, group = ("postfix", "postdrop") if IS_ROOT else _own_names()
        return {
            "compatibility_level": "3.6", **self.suite.directories(),
            "queue_directory": self.queue, "data_directory": self.data, "mail_owner": owner, "setgid_group": group,
            "maillog_file": self.log.path, "maillog_file_prefixes": self.folder,
            "myhostname": self.hostname, "mydomain": "example.test", "myorigin": "example.test",
            "mydestination": self.hostname, "mynetworks": "127.0.0.0/8", "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4", "alias_maps": "", "alias_database": "", "smtputf8_enable": "no", "biff": "no",
            "virtual_mailbox_domains": "virt.test", "virtual_mailbox_base": self.mail,
            "virtual_mailbox_maps": "inline:{{alice@virt.test=alice/},{bob@virt.test=bob/},{sender@virt.test=sender/}}",
            "virtual_uid_maps": f"static:{MAIL_UID}", "virtual_gid_maps": f"static:{MAIL_GID}",
            "virtual_minimum_uid": min(100, MAIL_UID),
        }

    def _default_services(self):
        """The build's master.cf: the SMTP service on our port, no chroot, no pipe transports."""
        services = []
        for entry in parse_master_cf(self.suite.master_cf):
            name, kind, command = entry[0], entry[1], entry[7]
            if kind == "inet":
                if command.split()[0] == "smtpd" and name == "smtp":
                    services.append([f"127.0.0.1:{self.port}", *entry[1:4], "n", *entry[5:]])
            elif name in _KEPT_SERVICES:
                services.append([*entry[:4], "n", *entry[5:]])
        return services

    def configure(self, **parameters):
        """Sets main.cf parameters (None removes one) and writes the file."""
        for name, value in parameters.items():
            if value is None:
                self.main.pop(name, None)
            else:
                self.main[name] = value
        self.write()

    def service(self, name, kind="unix", command=None, **columns):
        """Changes or adds a master.cf entry. Columns: private, unpriv, chroot, wakeup, maxproc."""
        order = {"private": 2, "unpriv": 3, "chroot": 4, "wakeup": 5, "maxproc": 6}
        entry = next((entry for entry in self.services if entry[0] == str(name) and entry[1] == kind), None)
        if entry is None:
            entry = [str(name), kind, "n" if kind == "inet" else "-", "-", "n", "-", "-", command]
            self.services.append(entry)
        if command is not None:
            entry[7] = command
        for column, value in columns.items():
            entry[order[column]] = str(value)
        self.write()

    def smtpd_service(self, name=None, *options):
        """An SMTP listener of its own with `-o` options; returns its port."""
        port = free_port()
        command = " ".join(["smtpd", *(f"-o {{{option}}}" if " " in option else f"-o {option}" for option in options)])
        self.service(f"127.0.0.1:{port}", "inet", command)
        return port

    def write(self):
        set_by_text = re.findall(r"^(\w+)\s*=", self.main_text, re.M)
        main = "".join(f"{name} = {value}\n" for name, value in self.main.items() if name not in set_by_text)
        (self.config / "main.cf").write_text(main + self.main_text)
        rows = "".join("  ".join(entry[:7]) + "  " + entry[7] + "\n" for entry in self.services)
        (self.config / "master.cf").write_text(rows)

    def table(self, name, text, kind="texthash"):
        """A lookup table file in the configuration directory; returns TYPE:PATH."""
        path = self.config / name
        path.write_text(text)
        if kind in ("hash", "btree", "lmdb", "cdb"):
            self.run("postmap", f"{kind}:{path}")
        return f"{kind}:{path}"

    # Life ----------------------------------------------------------------------------------------

    def start(self, **parameters):
        if parameters:
            self.configure(**parameters)
        status = self.try_start()
        assert status == 0, f"postfix start: status {status}\n{self.console.read_text()}\n{self.log.text()}"
        self.wait_ready()
        return self

    def try_start(self, timeout=60):
        """Exit status of `postfix start`; its output goes to the console file."""
        command = [*self.start_prefix, self.suite.command("postfix"), "-c", str(self.config), "start"]
        if self.mounts:
            binds = "".join(f"mount --bind {shlex.quote(str(file))} {path} && " for path, file in self.mounts.items())
            command = ["unshare", "--mount", "sh", "-c", f"{binds}exec {shlex.join(command)}"]
        with open(self.console, "ab") as console:
            return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, timeout=timeout,
                                  env=self._environment(), cwd="/").returncode

    def wait_ready(self):
        def ready():
            try:
                Peer(("127.0.0.1", self.port), greet=False).close()
                return True
            except OSError:
                return False
        wait_for(ready, lambda: f"a listener on port {self.port}; console:\n{self.console.read_text()}\n{self.log.text()}")

    def postfix(self, *arguments, timeout=60):
        """Runs `postfix -c DIR ...` to its end; CompletedProcess with text output (stdout and stderr in one)."""
        return self.run("postfix", "-c", str(self.config), *arguments, timeout=timeout, check=False)

    def reload(self):
        before = len(self.log.grep(r"reload -- version", "master"))
        result = self.postfix("reload")
        assert result.returncode == 0, result.stdout
        self.log.wait(r"reload -- version", before + 1, "master")
        return result

    def command(self, name):
        return str(self.command_directory / name)

    def apply(self, **parameters):
        """Other settings for the running instance; returns when nothing works with the old ones."""
        self.configure(**parameters)
        if self.suite.is_reference:    # its processes see a reload some time later
            self.stop()
            self.start()
            return
        old = {pid for name in _RENEWED for pid in self.pids(name)}
        self.reload()
        wait_for(lambda: not old & {pid for name in _RENEWED for pid in self.pids(name)},
                 lambda: f"processes with the old configuration end: {[processes.name_of(pid) for pid in old]}")

    def run(self, command, *arguments, input=None, check=True, timeout=60, user=None):
        """A command of the suite with MAIL_CONFIG set; output as text, stderr included. `user` after users.admit_users()."""
        line = [self.command(command), *map(str, arguments)]
        result = subprocess.run(users.command_line(self, user, line) if user else line, input=input, timeout=timeout,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self._environment(), cwd="/",
                                stdin=None if input is not None else subprocess.DEVNULL)
        output = result.stdout.decode("utf-8", "replace")
        result = subprocess.CompletedProcess(result.args, result.returncode, output)
        assert not check or result.returncode == 0, f"{command} {arguments}: {result.returncode}\n{output}"
        return result

    def spawn(self, command, *arguments, output):
        """Starts a command of the suite as run() does and does not wait for it; a Popen."""
        return subprocess.Popen([self.command(command), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=output,
                                stderr=subprocess.STDOUT, env=self._environment(), cwd="/")

    def sendmail(self, *arguments, message, check=True, user=None):
        return self.run("sendmail", *arguments, input=message, check=check, user=user)

    def _environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": str(self.config), "LANG": "C", "TZ": "UTC",
                "ASAN_OPTIONS": f"log_path={self.folder}/sanitizer:detect_leaks=0",
                "UBSAN_OPTIONS": f"log_path={self.folder}/sanitizer:print_stacktrace=1", **self.environment}

    @property
    def master_pid(self):
        try:
            return int((self.queue / "pid" / "master.pid").read_text())
        except (OSError, ValueError):
            return None

    def pids(self, daemon):
        """Live processes of one program."""
        return processes.named(self.folder, daemon)

    def stop(self, timeout=30):
        """Ends the suite as `postfix stop` does, without the wait of a script."""
        pid = self.master_pid
        if pid and processes.below(self.folder):
            processes.kill(pid, signal.SIGTERM)
        wait_for(lambda: not processes.below(self.folder),
                 lambda: f"all processes end; left: {[processes.name_of(pid) for pid in processes.below(self.folder)]}",
                 timeout)

    def check(self):
        """What every test must leave: no trouble in the log, no process."""
        if self.master_pid and processes.below(self.folder):
            try:
                self.stop()
            except AssertionError:
                pass
        left = processes.end_all(self.folder)
        problems = self.log.trouble(self.allowed_trouble)
        if self.console.exists():
            problems += [line for line in self.console.read_text(errors="replace").splitlines() if TROUBLE.search(line)
                         and not any(re.search(pattern, line) for pattern in self.allowed_trouble)]
        problems += [report.read_text(errors="replace")[:3000] for report in self.folder.glob("sanitizer.*")]
        assert not problems, "trouble in the log:\n" + "\n".join(problems)
        assert not left, f"processes were left: {left}"

    # Use -----------------------------------------------------------------------------------------

    def peer(self, port=None, **options):
        return Peer(("127.0.0.1", port or self.port), **options)

    def ask(self, recipient, sender="sender@client.test"):
        """The answer to RCPT in a session of its own."""
        with self.peer() as peer:
            return peer.ask(recipient, sender)

    def rows(self, table):
        """What postmap -s shows of a table, by key."""
        return dict(line.split("\t", 1) for line in self.run("postmap", "-s", table).stdout.splitlines() if "\t" in line)

    def deliver(self, recipients="alice@virt.test", **fields):
        """One message over SMTP; returns (queue id, Message-Id)."""
        with self.peer() as peer:
            result = peer.deliver(recipients, **fields)
            peer.quit()
            return result

    def maildir(self, user):
        return Maildir(self.mail / user)

    def queued(self, *queues):
        """Queue ids in the named queues (all message queues without a name)."""
        found = []
        for queue in queues or QUEUES:
            for _, _, files in os.walk(self.queue / queue):
                found += [name for name in files if re.fullmatch(r"[0-9A-Za-z]{6,}", name)]
        return sorted(found)

    def ready(self, *queues):
        """Queue ids of complete messages: a crash may leave unfinished files (mode 0600), which were never promised."""
        return [queue_id for queue in queues or QUEUES for queue_id in self.queued(queue)
                if _is_complete(self.queue_file(queue_id))]

    def wait_queue(self, queue, count, timeout=None):
        wait_for(lambda: len(self.queued(queue)) == count,
                 lambda: f"{count} message(s) in {queue}; there are {self.queued(queue)}; log:\n{self.log.text()[-4000:]}", timeout)
        return self.queued(queue)

    def wait_empty(self, timeout=None):
        # Two looks: a message may move from a queue not yet looked at to one that was.
        wait_for(lambda: not self.queued() and not self.queued(), lambda: f"an empty queue; it has {self.queued()}\n{self.log.text()[-4000:]}", timeout)

    def queue_file(self, queue_id):
        return next((Path(parent) / queue_id for queue in QUEUES
                     for parent, _, files in os.walk(self.queue / queue) if queue_id in files), None)


def _is_complete(path):
    try:
        return path is not None and bool(path.stat().st_mode & 0o100)
    except FileNotFoundError:
        return False


def _owner_ids():
    import pwd
    entry = pwd.getpwnam("postfix")
    return entry.pw_uid, entry.pw_gid


def _own_names():
    import grp
    import pwd
    return pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name


def parse_master_cf(text):
    """Entries as eight columns, the command with its arguments in the last."""
    logical = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and logical:
            logical[-1] += " " + line.strip()
        else:
            logical.append(line.rstrip())
    return [line.split(None, 7) for line in logical]
