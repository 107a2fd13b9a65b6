"""A private MariaDB server on a UNIX socket and a loopback port."""
import os
import shutil
import subprocess
from pathlib import Path

from .instance import IS_ROOT
from .ports import free_port
from .waiting import wait_for


class MariaDb:
    def __init__(self, folder, *options):
        """`options`: of mariadbd."""
        self.folder = Path(folder)
        self.options = options
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.socket = self.folder / "mysqld.sock"
        self.port = free_port()
        self._process = None

    @staticmethod
    def is_installed():
        return shutil.which("mariadbd", path="/usr/sbin:/usr/bin") is not None

    def start(self):
        user = ["--user=mysql"] if IS_ROOT else []
        if IS_ROOT:
            shutil.chown(self.folder, "mysql")
        # Servers that share a directory for temporary tables delete each other's.
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        if not self.data.exists():
            subprocess.run(["/usr/bin/mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                            "--auth-root-authentication-method=normal", *user],
                           check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, env=environment)
        self._process = subprocess.Popen(
            ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
             "--bind-address=127.0.0.1", f"--pid-file={self.folder}/pid", f"--log-error={self.folder}/log",
             "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", *self.options, *user],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wait_for(self._answers, lambda: f"MariaDB answers; log:\n{(self.folder / 'log').read_text()[-2000:]}", 60)
        return self

    def _answers(self):
        return self.socket.exists() and subprocess.run(
            ["/usr/bin/mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "-e", "select 1"],
            stdin=subprocess.DEVNULL, capture_output=True).returncode == 0

    def sql(self, text, database=""):
        result = subprocess.run(["/usr/bin/mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "-N", "-B", database][:6 + bool(database)],
                                input=text.encode(), capture_output=True, timeout=60)
        assert result.returncode == 0, result.stderr.decode()
        return result.stdout.decode()

    def stop(self):
        if self._process:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def hang(self):
        os.kill(self._process.pid, 19)

    def resume(self):
        os.kill(self._process.pid, 18)
