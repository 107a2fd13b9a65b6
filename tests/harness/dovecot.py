"""A private Dovecot that takes mail over LMTP, on TCP and on a UNIX socket, into Maildirs of its own.

Users come from a passwd-file. Runs as root (mail as MAIL_UID) or wholly as a plain user."""
import os
import shutil
import subprocess
from pathlib import Path

from . import processes
from .instance import IS_ROOT, MAIL_GID, MAIL_UID, _own_names
from .maildir import Maildir
from .ports import free_port
from .waiting import wait_for


class Dovecot:
    def __init__(self, folder, users=("alice@virt.test", "bob@virt.test")):
        self.folder = Path(folder)
        self.mail = self.folder / "mail"
        for directory in (self.folder, self.mail, self.folder / "run"):
            directory.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.port = free_port()
        self.unix = self.folder / "lmtp.sock"
        self._log = self.folder / "log"
        if IS_ROOT:
            os.chown(self.mail, MAIL_UID, MAIL_GID)
        rows = [f"{user}:{{PLAIN}}secret:{MAIL_UID}:{MAIL_GID}::{self.mail}/{user}::\n" for user in users]
        (self.folder / "users").write_text("".join(rows))
        (self.folder / "dovecot.conf").write_text(self._conf())

    def _conf(self):
        user, group = ("dovecot", "dovecot") if IS_ROOT else _own_names()
        login = "dovenull" if IS_ROOT else user
        rootless = "" if IS_ROOT else f"""
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""
        return f"""
base_dir = {self.folder}/run
state_dir = {self.folder}/run
log_path = {self._log}
protocols = lmtp
ssl = no
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
postmaster_address = postmaster@virt.test
{rootless}
service lmtp {{
  chroot =
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.port}
  }}
  unix_listener {self.unix} {{
    mode = 0666
  }}
}}
passdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
userdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
"""

    @staticmethod
    def is_installed():
        return shutil.which("dovecot", path="/usr/sbin:/usr/bin") and os.path.exists("/usr/lib/dovecot/lmtp")

    def start(self):
        with open(self.folder / "console", "wb") as console:
            status = subprocess.run(["/usr/sbin/dovecot", "-c", self.folder / "dovecot.conf"], timeout=60,
                                    stdin=subprocess.DEVNULL, stdout=console, stderr=console).returncode
        assert status == 0, (self.folder / "console").read_text()
        wait_for(self.unix.exists, "Dovecot's LMTP socket")
        return self

    def maildir(self, user):
        return Maildir(self.mail / user / "Maildir")

    def log(self):
        return self._log.read_text(errors="replace")

    def stop(self):
        pid_file = self.folder / "run" / "master.pid"
        if pid_file.exists():
            processes.kill(int(pid_file.read_text()), 15)
        wait_for(lambda: not processes.below(self.folder), "Dovecot ends")
