"""A private memcached server."""
import shutil

from .instance import IS_ROOT
from .ports import free_port
from .server import Server


class Memcached(Server):
    def __init__(self, port=None, unix=None):
        """Listens on a loopback port, or on the path `unix` only."""
        user = ["-u", "nobody"] if IS_ROOT else []
        where = ["-s", unix, "-a", "0777"] if unix else ["-l", "127.0.0.1", "-p", port or free_port()]
        super().__init__(unix or where[-1], "memcached", *where, *user)

    @staticmethod
    def is_installed():
        return shutil.which("memcached") is not None

    def get(self, key):
        """The stored text, or None."""
        reply = self._ask(f"get {key}\r\n", b"END\r\n")
        header, _, rest = reply.partition("\r\n")
        return rest[:int(header.split()[3])] if header.startswith("VALUE") else None

    def flush(self):
        self._ask("flush_all\r\n", b"OK\r\n")

    def _ask(self, request, end):
        with self.connect() as connection:
            connection.sendall(request.encode())
            reply = b""
            while not reply.endswith(end):
                reply += connection.recv(65536)
        return reply.decode()
