"""A scriptable SMTP or LMTP server that records what it gets.

Rules are looked up per stage: CONNECT, EHLO, HELO, LHLO, MAIL, RCPT, DATA, MESSAGE (after the final dot;
for LMTP once per recipient), RSET, QUIT. A rule's action is a reply text, CLOSE, HANG, or a function of
(session, argument) that returns one of those."""
import os
import re
import socket
import threading
from dataclasses import dataclass, field

from .message import id_of
from .waiting import DEADLINE, Late

CLOSE = object()
HANG = object()

_DEFAULT = {"CONNECT": "220 sink.test ESMTP", "HELO": "250 sink.test", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok",
            "DATA": "354 End data with <CR><LF>.<CR><LF>", "MESSAGE": "250 2.0.0 Ok: queued as SINK", "RSET": "250 2.0.0 Ok",
            "NOOP": "250 2.0.0 Ok", "QUIT": "221 2.0.0 Bye", "XFORWARD": "250 2.0.0 Ok"}


@dataclass
class Taken:
    """One message as it arrived (dots removed, line ends as sent)."""
    sender: str
    recipients: list
    data: bytes
    session: int
    mail_line: str
    rcpt_lines: list
    helo: str

    @property
    def message_id(self):
        return id_of(self.data)


@dataclass(frozen=True)
class Ending:
    """How a session ended: did the client go without QUIT, and which message (Message-Id) was the last one accepted?"""
    is_broken: bool
    last: str


@dataclass
class _Rule:
    stage: str
    action: object
    match: object = None
    times: int = None


@dataclass
class _Session:
    number: int
    socket: object
    helo: str = ""
    mail_line: str = ""
    rcpt_lines: list = field(default_factory=list)
    buffer: bytes = b""
    last: str = None           # Message-Id accepted last


class _Ended(Exception):
    pass


class _Broken(_Ended):
    """The client went without QUIT."""


class Sink:
    def __init__(self, host="127.0.0.1", port=0, unix=None, lmtp=False,
                 extensions=("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN")):
        self.lmtp = lmtp
        self.extensions = list(extensions)
        self.messages = []
        self.refused = []          # complete messages that were answered with 4xx or 5xx
        self.sessions = 0
        self.commands = []         # (session, line)
        self.keep_data = True      # load tests switch it off and look at arrivals only
        self.arrivals = {}         # Message-Id -> the sessions that took it
        self.client_ports = {}     # session -> port of the client, 0 of a UNIX socket
        self.client_addresses = {}
        self.endings = {}          # session -> Ending
        self._rules = []
        self._changed = threading.Condition()
        self._open = set()
        self._stop = threading.Event()
        if unix:
            self.unix = str(unix)
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self.unix)
            os.chmod(self.unix, 0o777)
        else:
            self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, port))
            self.host, self.port = self._listener.getsockname()[:2]
        self._listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def nexthop(self):
        return f"[{self.host}]:{self.port}"

    def on(self, stage, action, match=None, times=None):
        """Newest rule first; `match` is searched in the argument, `times` limits its use."""
        with self._changed:
            self._rules.insert(0, _Rule(stage, action, match and re.compile(match), times))

    def clear(self):
        with self._changed:
            self._rules.clear()

    def wait(self, count=1, timeout=None):
        """The first `count` messages."""
        self.wait_until(lambda: len(self.messages) >= count, f"{count} message(s) at the sink", timeout)
        return self.messages[:count]

    def wait_until(self, condition, what, timeout=None):
        with self._changed:
            if not self._changed.wait_for(condition, DEADLINE if timeout is None else timeout):
                raise Late(f"{what}; it has {len(self.messages)}, refused {len(self.refused)}, saw {self.commands[-20:]}")

    def wait_for_message(self, message_id, timeout=None):
        self.wait_until(lambda: self._find(message_id), f"message {message_id} at the sink", timeout)
        return self._find(message_id)

    def _find(self, message_id):
        return next((taken for taken in self.messages if taken.message_id == message_id), None)

    def asked_for(self, recipient):
        """How many RCPT commands named this address; with no message behind them they were probes."""
        return sum(line.startswith(f"RCPT TO:<{recipient}>") for _, line in self.commands)

    def stop(self):
        self._stop.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._changed:
            for connection in list(self._open):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def _accept(self):
        while not self._stop.is_set():
            try:
                connection, client = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self.sessions += 1
                session = _Session(self.sessions, connection)
                self.client_ports[session.number] = client[1] if isinstance(client, tuple) else 0
                self.client_addresses[session.number] = client[0] if isinstance(client, tuple) else ""
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session):
        is_broken = False
        try:
            self._converse(session)
        except _Broken:
            is_broken = True
        except (_Ended, OSError):
            pass
        finally:
            with self._changed:
                self.endings[session.number] = Ending(is_broken, session.last)
                self._open.discard(session.socket)
                self._changed.notify_all()
            session.socket.close()

    def _converse(self, session):
        self._answer(session, "CONNECT", "")
        while True:
            line = self._line(session).decode("utf-8", "replace")
            verb, _, argument = line.partition(" ")
            verb = verb.upper()
            with self._changed:
                self.commands.append((session.number, line))
                self._changed.notify_all()
            if verb in ("EHLO", "LHLO", "HELO"):
                session.helo, session.mail_line, session.rcpt_lines = argument, "", []
                self._answer(session, verb, argument)
            elif verb == "MAIL":
                if self._answer(session, verb, argument)[0] == "2":
                    session.mail_line, session.rcpt_lines = argument, []
            elif verb == "RCPT":
                if self._answer(session, verb, argument)[0] == "2":
                    session.rcpt_lines.append(argument)
            elif verb == "DATA":
                self._data(session)
            elif verb == "RSET":
                session.mail_line, session.rcpt_lines = "", []
                self._answer(session, verb, argument)
            elif verb == "QUIT":
                self._answer(session, verb, argument)
                return
            elif verb in _DEFAULT:
                self._answer(session, verb, argument)
            else:
                self._say(session, "502 5.5.2 Error: command not recognized")

    def _data(self, session):
        if not session.rcpt_lines:
            self._say(session, "503 5.5.1 No recipients")
            return
        if self._answer(session, "DATA", "")[0] != "3":
            return
        data = self._until_dot(session)
        taken = Taken(_path(session.mail_line), [_path(line) for line in session.rcpt_lines], data, session.number,
                      session.mail_line, list(session.rcpt_lines), session.helo)
        if self.lmtp:
            accepted = [_path(line) for line in session.rcpt_lines
                        if self._answer(session, "MESSAGE", line, record=None)[0] == "2"]
            taken.recipients = accepted
            self._record(session, taken, bool(accepted))
        else:
            self._answer(session, "MESSAGE", "", record=taken)
        session.mail_line, session.rcpt_lines = "", []

    def _record(self, session, taken, accepted):
        with self._changed:
            if accepted:
                session.last = taken.message_id
                self.arrivals.setdefault(taken.message_id, []).append(session.number)
            if self.keep_data:
                (self.messages if accepted else self.refused).append(taken)
            self._changed.notify_all()

    def _rule(self, stage, argument):
        with self._changed:
            for rule in self._rules:
                if rule.stage == stage and (rule.match is None or rule.match.search(argument)):
                    if rule.times is not None:
                        rule.times -= 1
                        if rule.times == 0:
                            self._rules.remove(rule)
                    return rule.action
        if stage == "EHLO" or stage == "LHLO":
            return "\r\n".join("250-" + word for word in ["sink.test", *self.extensions][:-1]) + \
                ("\r\n" if self.extensions else "") + "250 " + ["sink.test", *self.extensions][-1]
        return _DEFAULT[stage]

    def _answer(self, session, stage, argument, record=None):
        action = self._rule(stage, argument)
        if callable(action):
            action = action(session, argument)
        if action is CLOSE:
            raise _Ended
        if action is HANG:
            self._stop.wait()
            raise _Ended
        if record is not None:     # before the reply: a sink that said 250 has it
            self._record(session, record, action[0] == "2")
        self._say(session, action)
        return action

    @staticmethod
    def _say(session, text):
        try:
            session.socket.sendall(text.encode() + b"\r\n")
        except OSError as error:
            raise _Broken from error

    @staticmethod
    def _receive(session, size):
        try:
            chunk = session.socket.recv(size)
        except OSError as error:
            raise _Broken from error
        if not chunk:
            raise _Broken
        return chunk

    @staticmethod
    def _line(session):
        while b"\r\n" not in session.buffer:
            session.buffer += Sink._receive(session, 65536)
        line, session.buffer = session.buffer.split(b"\r\n", 1)
        return line

    @staticmethod
    def _until_dot(session):
        # A lone dot may be the very first line.
        buffer = bytearray(b"\r\n" + session.buffer)
        start = 0
        while (end := buffer.find(b"\r\n.\r\n", start)) < 0:
            start = max(0, len(buffer) - 4)
            buffer += Sink._receive(session, 262144)
        session.buffer = bytes(buffer[end + 5:])
        body = bytes(buffer[2:end + 2])
        return body[1:].replace(b"\r\n.", b"\r\n") if body.startswith(b".") else body.replace(b"\r\n.", b"\r\n")


def _path(line):
    match = re.search(r"<(.*)>", line)
    return match[1] if match else line
