"""Reads a maillog file as it grows."""
import re
from dataclasses import dataclass
from pathlib import Path

from .waiting import wait_for

_LINE = re.compile(r"^(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) "
                   r"(?P<ident>[^\[\]]+)\[(?P<pid>\d+)\]: (?P<text>.*)$")
TROUBLE = re.compile(r"panic:|fatal:|Sanitizer|runtime error:|killed by signal|bad command startup|"
                     r"exit status [1-9]")

COMMANDS = {"postmap", "postalias", "postconf", "postqueue", "postsuper", "postcat", "postkick", "postlog", "postdrop", "sendmail"}


@dataclass(frozen=True)
class Line:
    raw: str
    ident: str
    pid: int
    text: str

    @property
    def process(self):
        return self.ident.rsplit("/", 1)[-1]


class Log:
    def __init__(self, path):
        self.path = Path(path)
        self._start = 0

    def text(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self._start)
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def lines(self):
        """Complete lines since the last forget()."""
        found = []
        for raw in self.text().split("\n")[:-1]:
            match = _LINE.match(raw)
            if match:
                found.append(Line(raw, match["ident"], int(match["pid"]), match["text"]))
            else:
                found.append(Line(raw, "", 0, raw))
        return found

    def forget(self):
        """Later reads start here."""
        self._start = self.path.stat().st_size if self.path.exists() else 0

    def grep(self, pattern, process=None):
        regex = re.compile(pattern)
        return [match for line in self.lines() if process in (None, line.process)
                for match in [regex.search(line.text)] if match]

    def has(self, pattern, process=None):
        return bool(self.grep(pattern, process))

    def wait(self, pattern, count=1, process=None, timeout=None):
        """The count-th match of `pattern`, as a match object."""
        wait_for(lambda: len(self.grep(pattern, process)) >= count,
                 lambda: f"{count} log line(s) matching {pattern!r}; the log:\n{self.text()[-6000:]}", timeout)
        return self.grep(pattern, process)[count - 1]

    def of(self, queue_id):
        return [line for line in self.lines() if line.text.startswith(queue_id + ":")]

    def deliveries(self, recipient=None):
        """Delivery lines as dicts: queue_id, process, to, orig_to, relay, delay, delays, dsn, status, reason."""
        found = []
        for line in self.lines():
            match = DELIVERY.match(line.text)
            if match and recipient in (None, match["to"]):
                found.append({**match.groupdict(), "process": line.process})
        return found

    def trouble(self, allowed=()):
        """Lines that no healthy system writes. What a command told its user with `fatal:` is not among them."""
        return [line.raw for line in _all_lines(self.path) if TROUBLE.search(line.raw)
                and not (line.process in COMMANDS and line.text.startswith("fatal:"))
                and not any(re.search(pattern, line.raw) for pattern in allowed)]


DELIVERY = re.compile(
    r"^(?P<queue_id>[0-9A-Za-z]+): to=<(?P<to>.*?)>, (?:orig_to=<(?P<orig_to>.*?)>, )?relay=(?P<relay>[^,]+), "
    r"(?:conn_use=(?P<conn_use>\d+), )?delay=(?P<delay>[\d.]+), delays=(?P<delays>[\d./]+), "
    r"dsn=(?P<dsn>\d\.\d+\.\d+), status=(?P<status>[\w-]+) \((?P<reason>.*)\)$")


def _all_lines(path):
    whole = Log(path)
    return whole.lines()
