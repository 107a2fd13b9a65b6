"""Set-gid programs of an installation that was moved after it was made."""
import shutil

import pytest

from harness.installation import install
from harness.suite import Suite


@pytest.mark.posthouse_only("installs this project")
@pytest.mark.needs_root("set-gid programs, a mount of the configuration's default place")
def test_set_gid_commands_run_from_a_moved_prefix(folder, suite, make_instance):
    """An ordinary user submits and looks at the queue. The programs with more rights than he has need no path of their
    own, and believe none: the user could have made the place where they stand."""
    if suite.has_sanitizer:
        pytest.skip("a sanitizer does not see the environment of a set-gid program")
    install(folder / "first")
    prefix = (folder / "first").rename(folder / "second")
    commands = prefix / "sbin"
    mta = make_instance("moved", Suite("posthouse", commands, prefix / "libexec/posthouse", suite.master_cf))
    mta.start(command_directory=None, daemon_directory=None, alternate_config_directories=mta.config)
    mta.user_default = mta.config
    for name in ("postdrop", "postqueue", "postconf"):      # the last only to see what it believes
        shutil.chown(commands / name, "root", "postdrop")
        (commands / name).chmod(0o2755)
    mta.sendmail("alice@virt.test", message=b"Subject: x\n\nx\n", user="nobody")
    mta.maildir("alice").wait()
    mta.wait_empty()
    assert mta.run("postqueue", "-p", user="nobody").stdout == "Mail queue is empty\n"
    believed = mta.run("postconf", "-d", "-h", "command_directory", user="nobody").stdout.strip()
    assert believed and str(folder) not in believed
