"""Lets ordinary users use an instance's commands, as on an installed system: postdrop and postqueue are set-gid, and the
system's default main.cf lists the private configuration directory. Only the commands run for users see that file (a mount
namespace of their own). Needs root, and /etc/postfix of the reference's package as the mount point."""
import grp
import os
import shlex
import shutil
from pathlib import Path

_DEFAULT = Path("/etc/postfix")
_COMMANDS = ("sendmail", "postdrop", "postqueue", "postlog", "postcat", "postsuper", "postkick")


def admit_users(mta, is_listed=True):
    """Call before start(). Afterwards mta.run(..., user="nobody") works."""
    if mta.suite.is_posthouse:
        commands = mta.folder / "bin"
        commands.mkdir()
        for name in _COMMANDS:
            shutil.copy(mta.suite.command(name), commands / name)
        for name in ("postdrop", "postqueue"):
            os.chown(commands / name, 0, grp.getgrnam("postdrop").gr_gid)
            (commands / name).chmod(0o2755)
        for name in ("mailq", "newaliases"):
            (commands / name).symlink_to("sendmail")
        mta.command_directory = commands
        mta.configure(command_directory=commands)
    default = mta.folder / "default"
    shutil.copytree(_DEFAULT, default)
    listed = f"alternate_config_directories = {mta.config}\n" if is_listed else ""
    (default / "main.cf").write_text("compatibility_level = 3.6\n" + listed)
    mta.user_default = default


def command_line(mta, user, command):
    """What runs `command` (a list) as `user` where the prepared directory stands for the default one."""
    inner = f"mount --bind {shlex.quote(str(mta.user_default))} {_DEFAULT} && exec setpriv --reuid={user} " \
            f"--regid=$(id -g {user}) --clear-groups {shlex.join(map(str, command))}"
    return ["unshare", "--mount", "sh", "-c", inner]
