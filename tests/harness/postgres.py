"""A private PostgreSQL server on a loopback port; its superuser needs no password."""
import shutil
import subprocess
from pathlib import Path

from .instance import IS_ROOT
from .ports import free_port
from .server import Server
from .waiting import wait_for


class Postgres:
    def __init__(self, folder):
        self.data = Path(folder)
        self.port = free_port()
        self.user = {"user": "postgres"} if IS_ROOT else {}
        self.server = None

    @staticmethod
    def programs():
        """The newest version's directory; None when it is not installed."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        return found[-1] if found else None

    def start(self):
        self.data.mkdir()
        if IS_ROOT:
            shutil.chown(self.data, "postgres")
        subprocess.run([self.programs() / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
                       check=True, capture_output=True, cwd="/", **self.user)
        self.server = Server(self.port, self.programs() / "postgres", "-D", self.data, "-p", self.port, "-k", self.data,
                             "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", cwd="/", **self.user)
        wait_for(lambda: self._psql("select 1").returncode == 0, "PostgreSQL answers", 60)
        return self

    def _psql(self, text):
        return subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1"],
                              input=text.encode(), capture_output=True, cwd="/")

    def sql(self, text):
        done = self._psql(text)
        assert done.returncode == 0, done.stderr.decode()

    def stop(self):
        self.server.resume()
        self.server.process.terminate()
        self.server.process.wait()
