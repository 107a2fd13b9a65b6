"""`cmake --install` puts everything below the prefix (and DESTDIR), and what it put there runs."""
import json
import re
import subprocess
from pathlib import Path

import pytest

from harness.installation import install, postconf
from harness.suite import SOURCE, Suite

pytestmark = pytest.mark.posthouse_only("installs this project")
COMMANDS = {"mailq", "newaliases", "postalias", "postcat", "postconf", "postdrop", "postfix", "postkick", "postlog", "postmap",
            "postqueue", "postsuper", "sendmail"}
DAEMONS = {"bounce", "cleanup", "discard", "error", "flush", "lmtp", "local", "master", "pickup", "postlogd", "proxymap", "qmgr",
           "showq", "smtp", "smtpd", "trivial-rewrite", "verify", "virtual"}


def test_destdir_stands_before_the_prefix(folder):
    root, commands, daemons = install("/opt/mail", folder / "package")
    assert {path.name for path in commands.iterdir()} >= COMMANDS
    assert {path.name for path in daemons.iterdir()} >= DAEMONS
    assert (root / "share/posthouse/master.cf").exists()
    assert [path.name for path in (folder / "package").iterdir()] == ["opt"]
    assert [path.name for path in (folder / "package/opt").iterdir()] == ["mail"]


def test_a_packager_chooses_the_directories(folder):
    """Configures only: names what would be installed where, and what the programs would look for."""
    chosen = {"POSTHOUSE_COMMAND_DIR": "/usr/sbin", "POSTHOUSE_DAEMON_DIR": "/usr/lib/mta/sbin", "POSTHOUSE_CONFIG_DIR": "/etc/mta",
              "POSTHOUSE_QUEUE_DIR": "/var/spool/mta", "POSTHOUSE_DATA_DIR": "/var/lib/mta"}
    subprocess.run(["cmake", "-S", SOURCE, "-B", folder / "build", "-G", "Ninja", "-DPOSTHOUSE_UNIT_TESTS=OFF",
                    *(f"-D{name}={value}" for name, value in chosen.items())], check=True, capture_output=True, timeout=300)

    def destination(program):
        text = (folder / "build" / program / "cmake_install.cmake").read_text()
        name = program.rsplit("/", 1)[-1]
        return re.search(rf'file\(INSTALL DESTINATION "([^"]+)"[^)]* FILES "[^"]*/{name}"\)', text)[1]
    assert destination("tools/postconf") == "/usr/sbin"
    assert destination("smtpd") == destination("master") == "/usr/lib/mta/sbin"
    commands = json.loads((folder / "build/compile_commands.json").read_text())
    layout, = [entry["command"] for entry in commands if entry["file"].endswith("lib/config/layout.cpp")]
    for name, value in chosen.items():
        assert f'-D{name}=\\"{value}\\"' in layout, layout


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
