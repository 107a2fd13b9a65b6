"""A raw SMTP client: sends bytes, reads reply lines. It knows nothing of what is right."""
import re
import socket
from dataclasses import dataclass

from .message import id_of, make
from .waiting import DEADLINE


@dataclass(frozen=True)
class Reply:
    code: int
    lines: tuple

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def dsn(self):
        match = re.match(r"\d\d\d[ -](\d\.\d+\.\d+)", self.lines[-1])
        return match[1] if match else None

    @property
    def queue_id(self):
        return re.search(r"queued as ([0-9A-Za-z]+)", self.text)[1]

    def __str__(self):
        return self.text


class Closed(ConnectionError):
    """The server closed the connection where a reply was expected."""


class Peer:
    def __init__(self, address, greet=True, helo="client.test", timeout=None, source=None):
        """`address`: (host, port) or a socket path."""
        self._in = b""
        timeout = DEADLINE if timeout is None else timeout
        if isinstance(address, (str, bytes)) or hasattr(address, "__fspath__"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(address))
        else:
            self.socket = socket.create_connection(address, timeout, source_address=source)
        self.socket.settimeout(timeout)
        if greet:
            self.greeting = self.expect(220)
            self.ehlo = self.command(f"EHLO {helo}", 250)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\n" not in self._in:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise Closed(f"closed by the server; unread: {self._in!r}")
            self._in += chunk
        line, self._in = self._in.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return Reply(int(lines[-1][:3]), tuple(lines))

    def expect(self, code):
        reply = self.reply()
        assert reply.code == code, f"expected {code}, got: {reply}"
        return reply

    def command(self, line, code=None):
        self.send(line + "\r\n")
        return self.reply() if code is None else self.expect(code)

    def is_closed(self, timeout=None):
        """True if the server closes; anything it still sends is dropped."""
        if timeout is not None:
            self.socket.settimeout(timeout)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def envelope(self, sender, recipients, mail_options="", rcpt_options=""):
        self.command(f"MAIL FROM:<{sender}>{mail_options and ' ' + mail_options}", 250)
        for recipient in [recipients] if isinstance(recipients, str) else recipients:
            self.command(f"RCPT TO:<{recipient}>{rcpt_options and ' ' + rcpt_options}", 250)

    def content(self, data, code=250):
        self.command("DATA", 354)
        self.send(stuffed(data) + b".\r\n")
        return self.expect(code)

    def ask(self, recipient, sender):
        """The answer to RCPT in a transaction of its own."""
        self.command("RSET", 250)
        self.command(f"MAIL FROM:<{sender}>", 250)
        return self.command(f"RCPT TO:<{recipient}>")

    def deliver(self, recipients="alice@virt.test", sender="sender@client.test", data=None, mail_options="",
                rcpt_options="", **fields):
        """One whole message; returns (queue id, Message-Id)."""
        first = recipients if isinstance(recipients, str) else recipients[0]
        data = data or make(to=first, sender=sender, **fields)
        self.envelope(sender, recipients, mail_options, rcpt_options)
        return self.content(data).queue_id, id_of(data)

    def quit(self):
        reply = self.command("QUIT", 221)
        self.close()
        return reply


def stuffed(data):
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in data.split(b"\r\n"))
