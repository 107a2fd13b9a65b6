"""The README's first command, on programs that are built already: as root, and as an account that has not even a name."""
import pwd
import re
import socket
import subprocess

import pytest

from harness.instance import IS_ROOT
from harness.suite import SOURCE

pytestmark = pytest.mark.posthouse_only("builds and shows this project")

ACCOUNTS = {"this": None, "daemon": pwd.getpwnam("daemon").pw_uid, "without a name": 54321}


@pytest.fixture
def quickstart(suite, folder):
    def run(*arguments, uid=None):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "POSTHOUSE_BUILD": str(suite.commands.parent)}
        become = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        return subprocess.run(["bash", SOURCE / "quickstart", "--no-build", *arguments], env=environment, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **become)

    folder.chmod(0o777)
    return run


def accounts(*names):
    return pytest.mark.parametrize("uid", [ACCOUNTS[name] for name in names] if IS_ROOT else [None], ids=str)


def assert_arrived(shown, relay):
    assert shown.returncode == 0, shown.stdout
    assert "Subject: It works" in shown.stdout
    assert re.search(rf"status=sent \({relay}", shown.stdout), shown.stdout


@accounts(*ACCOUNTS)
def test_message_reaches_the_maildir(quickstart, folder, uid):
    assert_arrived(quickstart("--once", "--dir", str(folder / "new"), uid=uid), r"delivered to maildir\)")
    assert not (folder / "new").exists()


def test_the_time_is_told(quickstart, folder):
    shown = quickstart("--once", "--dir", str(folder / "new"))
    assert re.search(r"^(?:\033\[1m)?From start to delivery: \d+ ms \(all in all \d+ ms\)\.", shown.stdout, re.M), shown.stdout


@accounts("this", "daemon")
def test_message_reaches_dovecot(quickstart, folder, uid):
    assert_arrived(quickstart("--once", "--dovecot", "--dir", str(folder / "new"), uid=uid), r"250 2\.0\.0 <you@posthouse\.test> \S+ Saved\)")


@pytest.mark.needs_root("another account")
def test_dovecot_wants_an_account_with_a_name(quickstart, folder):
    shown = quickstart("--once", "--dovecot", "--dir", str(folder / "new"), uid=ACCOUNTS["without a name"])
    assert shown.returncode == 1
    assert "quickstart: Dovecot needs an account with a name, and uid 54321 has none" in shown.stdout


@pytest.mark.parametrize("arguments, status, told", [
    (["--twice"], 2, "usage:"),
    (["--port"], 1, "--port needs a number"),
], ids=lambda value: str(value) if isinstance(value, list) else "")
def test_bad_arguments(quickstart, arguments, status, told):
    shown = quickstart(*arguments)
    assert (shown.returncode, told in shown.stdout) == (status, True), shown.stdout


def test_port_in_use(quickstart):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = quickstart("--once", "--port", str(port))
    assert shown.returncode == 1
    assert f"port {port} is in use" in shown.stdout


def test_directory_in_use(quickstart, folder):
    (folder / "file").touch()
    shown = quickstart("--once", "--dir", str(folder))
    assert shown.returncode == 1
    assert f"{folder} is not empty" in shown.stdout
    assert (folder / "file").exists()
