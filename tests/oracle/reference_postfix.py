"""Debian's Postfix, private, delivering each domain to the port of a scripted peer: what our agents are compared with."""
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

MAIN_CF = """compatibility_level = 3.7
queue_directory = {dir}/spool
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
mydestination =
local_transport = discard:
mynetworks = 127.0.0.0/8
maillog_file = {dir}/log
maillog_file_prefixes = /tmp
inet_interfaces = loopback-only
transport_maps = texthash:{dir}/etc/transport
smtp_destination_recipient_limit = 10
default_destination_concurrency_limit = 20
"""
SERVICES = """pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
postlog unix-dgram n - n - 1 postlogd
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
"""


class ReferencePostfix:
    """routes: {domain: "transport:nexthop"}"""

    def __init__(self, routes, settings):
        self.directory = Path(tempfile.mkdtemp(prefix="posthouse-reference-"))
        self.directory.chmod(0o755)
        for part in ("etc", "spool", "data"):
            (self.directory / part).mkdir()
        shutil.chown(self.directory / "data", "postfix")
        self.etc = str(self.directory / "etc")
        (self.directory / "etc/main.cf").write_text(MAIN_CF.format(dir=self.directory) + "\n".join(settings) + "\n")
        (self.directory / "etc/master.cf").write_text(SERVICES)
        (self.directory / "etc/transport").write_text(
            "".join(f"{domain} {target}\n" for domain, target in routes.items()) + "* discard:\n")
        subprocess.run(["postfix", "-c", self.etc, "start"], check=True, capture_output=True)

    def send(self, recipients, message):
        subprocess.run(["sendmail", "-C", self.etc, "-f", "s@example.test", *recipients], input=message, check=True)

    def log(self):
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def lines_to(self, addresses, program, seconds=40):
        """The log lines of deliveries to these addresses by the program, once each has one."""
        deadline = time.monotonic() + seconds
        while True:
            lines = [line.split(": ", 1)[1] for line in self.log().splitlines() if f"/{program}[" in line]
            found = {a: next((line for line in lines if f"to=<{a}>" in line), None) for a in addresses}
            if all(found.values()) or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def stop(self):
        subprocess.run(["postfix", "-c", self.etc, "stop"], capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)


def comparable(line, port, domain):
    """A delivery line without what differs from run to run."""
    line = re.sub(r"^\w+: ", "", line)
    line = re.sub(r"delay=\S+ delays=\S+ ", "", line)
    return line.replace(f":{port}", ":PORT").replace(domain, "DOMAIN")
