"""Which programs a test drives: a build tree of this project, or Debian's Postfix as the reference."""
import os
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def build_tree():
    return Path(os.environ.get("POSTHOUSE_BUILD") or SOURCE / "build" / "debug").resolve()


@dataclass(frozen=True)
class Suite:
    name: str
    commands: Path
    daemons: Path
    master_cf: str                 # text of the build's default master.cf

    @property
    def is_reference(self):
        return self.name == "reference"

    @property
    def is_posthouse(self):
        return self.name == "posthouse"

    @property
    def has_sanitizer(self):
        return "asan" in str(self.commands)

    def command(self, name):
        return str(self.commands / name)

    def directories(self):
        """main.cf settings that name the suite's own directories."""
        found = {"command_directory": self.commands, "daemon_directory": self.daemons}
        if self.is_reference:
            found |= {"meta_directory": "/etc/postfix", "shlib_directory": "/usr/lib/postfix",
                      "sendmail_path": "/usr/sbin/sendmail", "mailq_path": "/usr/bin/mailq",
                      "newaliases_path": "/usr/bin/newaliases"}
        return {name: str(value) for name, value in found.items()}

    @classmethod
    def reference(cls):
        return cls("reference", Path("/usr/sbin"), Path("/usr/lib/postfix/sbin"),
                   Path("/usr/share/postfix/master.cf.dist").read_text())

    @classmethod
    def posthouse(cls):
        build = build_tree()
        default = SOURCE / "conf" / "master.cf"
        return cls("posthouse", build / "sbin", build / "libexec" / "posthouse",
                   default.read_text() if default.exists() else _FALLBACK_MASTER_CF)

    @classmethod
    def named(cls, name):
        return cls.reference() if name == "reference" else cls.posthouse()

    def missing(self):
        """What must exist before anything can start; empty if all does."""
        needed = [self.commands / "postfix", self.daemons / "master", self.daemons / "smtpd"]
        return [str(path) for path in needed if not path.exists()]


_FALLBACK_MASTER_CF = """\
smtp      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""
