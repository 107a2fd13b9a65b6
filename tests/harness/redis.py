"""A private Redis server that asks for a password."""
import shutil
import subprocess

from .ports import free_port
from .server import Server


class Redis(Server):
    PASSWORD = "secret"

    def __init__(self, folder, *options):
        """`options`: of redis-server."""
        port = free_port()
        super().__init__(port, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--requirepass", self.PASSWORD,
                         "--dir", folder, *options)
        self.settings = {"hosts": f"127.0.0.1:{port}", "password": self.PASSWORD}

    @staticmethod
    def is_installed():
        return shutil.which("redis-server") is not None

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), "-a", self.PASSWORD, "--no-auth-warning", *words], check=True,
                              capture_output=True).stdout.decode().strip()
