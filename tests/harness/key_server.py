"""A server of tcp_table(5) or socketmap_table(5) that answers from a dict and remembers what it was asked."""
import contextlib
import socket
import threading
from urllib.parse import quote, unquote


class Raw(str):
    """A reply as it goes over the line, instead of a value."""


class KeyServer:
    """`values`: by key, the value or a Raw reply (for socketmap without its length).
    `held`: by key, an Event that is waited for before the answer."""

    def __init__(self, protocol, values):
        self.protocol, self.values, self.asked, self.held = protocol, values, [], {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def spec(self):
        return f"tcp:127.0.0.1:{self.port}" if self.protocol == "tcp" else f"socketmap:inet:127.0.0.1:{self.port}:access"

    def close(self):
        for event in self.held.values():
            event.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rwb")
            while request := self._request(stream):
                self.asked.append(request)
                if request in self.held:
                    self.held[request].wait()
                stream.write(self._answer(self.values.get(request)))
                stream.flush()

    def _request(self, stream):
        if self.protocol == "tcp":
            return unquote(stream.readline().decode().strip().removeprefix("get "))
        size = b""
        while (digit := stream.read(1)) not in (b":", b""):
            size += digit
        return stream.read(int(size) + 1)[:-1].decode().split(" ", 1)[1] if size else ""

    def _answer(self, value):
        if self.protocol == "tcp":
            line = value if isinstance(value, Raw) else f"200 {quote(value)}" if value else "500 none"
            return f"{line}\n".encode()
        text = (value if isinstance(value, Raw) else f"OK {value}" if value else "NOTFOUND ").encode()
        return b"%d:%b," % (len(text), text)
