"""Every parameter is read by code, and its default is the reference's unless docs/differences.md says why not."""
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("POSTHOUSE_BUILD", ROOT / "build/debug"))
MEMBER = re.compile(r"config::(?:\w+)(?:<\w+>)?\s+(\w+)\s*\{\s*\*this,\s*\{\s*\.name\s*=\s*([^,]+),|"
                    r"^  (?:Str|Raw|Int|Bool|Seconds|Bytes|List|Path|Level|Choice<\w+>)\s+(\w+)\s*\{\s*\*this,\s*\{\s*\.name\s*=\s*([^,]+),", re.M)
# Depend on the machine or on the packager.
OF_THE_MACHINE = {"myhostname", "mydomain", "mynetworks", "config_directory", "command_directory", "daemon_directory",
                  "queue_directory", "data_directory"}


def headers():
    found = [*ROOT.glob("*/parameters.h"), *ROOT.glob("lib/*/*parameters.h"), *ROOT.glob("tools/*/parameters.h")]
    return [path for path in found if "build" not in path.relative_to(ROOT).parts[0]]


def code():
    texts = {}
    for pattern in ("*.cpp", "*.h"):
        for path in ROOT.rglob(pattern):
            parts = path.relative_to(ROOT).parts
            if parts[0] != "build" and "tests" not in parts and path not in headers():
                texts[path] = path.read_text()
    return "\n".join(texts.values())


def test_every_parameter_is_read():
    text = code()
    used = set(re.findall(r"(?:\.|->|::)\s*(\w+)\b", text))
    # Read by name, or by the default of another parameter.
    named = set(re.findall(r'"(\w+)"', text)) | {name for header in headers() for name in re.findall(r"\$\{?(\w+)", header.read_text())}
    unread = []
    for header in headers():
        for match in MEMBER.finditer(header.read_text()):
            member, name = (match[1] or match[3]), (match[2] or match[4]).strip()
            if member not in used and name.strip('"') not in named:
                unread.append(f"{header.relative_to(ROOT)}: {member} ({name}) is read nowhere")
    assert not unread, "\n" + "\n".join(unread)


def settings(command):
    shown = subprocess.run([command, "-d"], capture_output=True, text=True, check=True, env={**os.environ, "MAIL_CONFIG": "/nonexistent"})
    return dict(line.split(" =", 1) for line in shown.stdout.splitlines() if " =" in line)


def test_defaults_are_those_of_the_reference():
    reference = Path("/usr/sbin/postconf")
    ours = BUILD / "sbin/postconf"
    if not reference.exists() or not ours.exists():
        pytest.skip("needs Debian's postfix and the built postconf")
    theirs = settings(reference)
    excused = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs/differences.md").read_text()))
    wrong = []
    for name, value in settings(ours).items():
        if name in excused or name in OF_THE_MACHINE:
            continue
        if name not in theirs:
            wrong.append(f"{name}: unknown to the reference and not in docs/differences.md")
        elif theirs[name] != value:
            wrong.append(f"{name}: ours{value}, the reference's{theirs[name]}")
    assert not wrong, "\n" + "\n".join(wrong)
