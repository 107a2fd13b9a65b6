"""`cmake --install` puts everything below the prefix (and DESTDIR), and what it put there runs."""
import os
import subprocess
from pathlib import Path

import pytest

from harness.suite import Suite

pytestmark = pytest.mark.posthouse_only("installs this project")
COMMANDS = {"mailq", "newaliases", "postalias", "postcat", "postconf", "postdrop", "postfix", "postkick", "postlog", "postmap",
            "postqueue", "postsuper", "sendmail"}
DAEMONS = {"bounce", "cleanup", "discard", "error", "flush", "lmtp", "local", "master", "pickup", "postlogd", "proxymap", "qmgr",
           "showq", "smtp", "smtpd", "trivial-rewrite", "verify", "virtual"}


def install(prefix, destdir=None):
    build = Suite.posthouse().commands.parent
    environment = {**os.environ, **({"DESTDIR": str(destdir)} if destdir else {})}
    subprocess.run(["cmake", "--install", build, "--prefix", prefix, "--strip"], check=True, capture_output=True,
                   env=environment, timeout=300)
    root = Path(f"{destdir or ''}{prefix}")
    return root, root / "sbin", root / "libexec/posthouse"


def postconf(commands, *arguments):
    return subprocess.run([commands / "postconf", "-h", *arguments], check=True, capture_output=True, text=True).stdout.split()


def test_destdir_stands_before_the_prefix(folder):
    root, commands, daemons = install("/opt/mail", folder / "package")
    assert {path.name for path in commands.iterdir()} >= COMMANDS
    assert {path.name for path in daemons.iterdir()} >= DAEMONS
    assert (root / "share/posthouse/master.cf").exists()
    assert [path.name for path in (folder / "package").iterdir()] == ["opt"]
    assert [path.name for path in (folder / "package/opt").iterdir()] == ["mail"]


def test_an_installation_runs_from_its_prefix(folder, make_instance):
    prefix = folder / "prefix"
    _, commands, daemons = install(prefix)
    assert postconf(commands, "-d", "command_directory", "daemon_directory") == [str(commands), str(daemons)]
    built = Suite.posthouse()
    mta = make_instance("installed", Suite("posthouse", commands, daemons, built.master_cf))
    mta.start(command_directory=None, daemon_directory=None)
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()
    mta.sendmail("alice@virt.test", message=b"Subject: x\n\nx\n")
    mta.maildir("alice").wait(2)
    master = Path(f"/proc/{mta.master_pid}/exe").resolve()
    assert master == (daemons / "master").resolve()
    assert mta.run("postqueue", "-p").stdout == "Mail queue is empty\n"
    mta.reload()
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait(3)
