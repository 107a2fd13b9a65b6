"""Every parameter is read by code, and its default is the reference's unless docs/differences.md says why not."""
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("POSTHOUSE_BUILD", ROOT / "build/debug"))
MEMBER = re.compile(r"config::(?:\w+)(?:<[\w:]+>)?\s+(\w+)\s*\{\s*\*this,\s*\{\s*\.name\s*=\s*([^,]+),|"
                    r"^  (?:Str|Raw|Int|Bool|Seconds|Bytes|List|Path|Level|Choice<[\w:]+>)\s+(\w+)\s*\{\s*\*this,\s*\{\s*\.name\s*=\s*([^,]+),", re.M)
# Depend on the machine or on the packager.
OF_THE_MACHINE = {"myhostname", "mydomain", "mynetworks", "config_directory", "command_directory", "daemon_directory",
                  "queue_directory", "data_directory"}


def headers():
    found = [*ROOT.glob("*/parameters.h"), *ROOT.glob("lib/*/*parameters.h"), *ROOT.glob("tools/*/parameters.h")]
    return [path for path in found if "build" not in path.relative_to(ROOT).parts[0]]


def relative(path):
    return path.relative_to(ROOT).as_posix()


def code():
    """Text by path, of the programs and libraries without their tests."""
    found = (path for pattern in ("*.cpp", "*.h") for path in ROOT.rglob(pattern))
    return {relative(path): path.read_text() for path in found
            if path.relative_to(ROOT).parts[0] != "build" and "tests" not in path.relative_to(ROOT).parts}


def including(header, includes):
    """The files that see the header, directly or by way of others."""
    seen, unseen = {header}, [header]
    while unseen:
        now = unseen.pop()
        more = {path for path, headers in includes.items() if now in headers} - seen
        seen |= more
        unseen += more
    return seen - {header}


def is_read(member, name, seeing, everywhere, fallbacks):
    """As a member of a parameter set by code that sees the set; by its name; or by the default of another parameter."""
    by_member = re.compile(rf"(?:\.|->)\s*{member}\s*(?:\(|\.spec\(\)|[,)}}])|&(?:\w+::)+{member}\b")
    by_name = re.compile(rf'\b(?:(?:value|directory|table_list)\w*\(|must_be_in\(\*?\w+, )"{re.escape(name)}"')
    by_default = re.compile(rf"\$[({{]?{re.escape(name)}\b")
    return any(map(by_member.search, seeing)) or any(map(by_name.search, everywhere)) or any(map(by_default.search, fallbacks))


def test_every_parameter_is_read():
    texts = code()
    includes = {path: set(re.findall(r'^#include "([^"]+)"', text, re.M)) for path, text in texts.items()}
    declaring = [relative(header) for header in headers()]
    everywhere = [text for path, text in texts.items() if path not in declaring]
    fallbacks = [fallback for header in declaring for fallback in re.findall(r"\.fallback\s*=\s*([^\n]+)", texts[header])
                 if header != "proxymap/parameters.h"]       # its defaults name tables for others to open
    unread = []
    for header in declaring:
        seeing = [texts[path] for path in including(header, includes) if path not in declaring]
        members = list(MEMBER.finditer(texts[header]))
        assert len(members) == len(re.findall(r"\{\.name\s*=", texts[header])), f"{header}: a declaration of a form this test does not know"
        for match in members:
            member, name = (match[1] or match[3]), (match[2] or match[4]).strip().strip('"')
            if not is_read(member, name, seeing, everywhere, fallbacks):
                unread.append(f"{header}: {member} ({name}) is read nowhere")
    assert not unread, "\n" + "\n".join(unread)


# Read by name, and declared nowhere for a reason.
UNDECLARED = {
    "smtpd_sasl_auth_enable": "there is no SASL yet",
    "stress": "master sets it for services under load",
}


def test_every_parameter_that_is_read_is_declared():
    texts = code()
    declared = {name.strip().strip('"') for header in headers() for _, first, _, second in MEMBER.findall(texts[relative(header)])
                for name in [first or second]}
    read = {name: path for path, text in texts.items() for name in re.findall(r'\b(?:value|table_list)\("([a-z0-9_]+)"\)', text)}
    unknown = {name: path for name, path in read.items() if name not in declared}
    assert set(unknown) == set(UNDECLARED), f"read and declared nowhere: {unknown}"


@pytest.mark.parametrize("form, path", [("markdown", "docs/parameters.md"), ("roff", "docs/man/man5/posthouse-parameters.5")])
def test_the_manual_is_that_of_the_declarations(form, path, folder):
    generated = folder / "manual"
    subprocess.run([BUILD / "docs/parameter_manual", form, generated], check=True)
    assert generated.read_text() == (ROOT / path).read_text(), f"{path} is not what `cmake --build build/… --target manual` writes"


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
