"""Plays every *.smtp file here against the suite: one listener per file, with the settings the file asks for.

    # comment
    @ param NAME = VALUE     smtpd setting of this file's listener
    @ posthouse REASON       not for the reference
    @ raw TEXT               bytes as they are, with \\r \\n \\0 \\xNN escapes
    @ closed                 the server closes here
    @ again                  a new connection
    C: text                  a client line, CR LF is added
    S: pattern               the last line of the next reply; * stands for anything
    S|: pattern              one of the lines of the reply just read"""
import re
from pathlib import Path

import pytest

from harness.instance import Instance
from harness.peer import Peer

FILES = sorted(Path(__file__).parent.glob("*.smtp"))


def parse(text):
    params, steps, reason = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, _, rest = line.partition(" ")
        if kind == "@":
            word, _, rest = rest.partition(" ")
            if word == "param":
                params.append(re.sub(r"\s*=\s*", "=", rest, 1))
            elif word == "posthouse":
                reason = rest
            else:
                assert word in ("raw", "closed", "again"), f"line {number}: {line}"
                steps.append((number, word, rest))
        else:
            assert kind in ("C:", "S:", "S|:"), f"line {number}: {line}"
            steps.append((number, kind, rest))
    return params, steps, reason


def matches(pattern, line):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), line)


def unescaped(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def play(address, steps):
    peer, reply = Peer(address, greet=False), None
    for number, kind, rest in steps:
        if kind == "C:":
            peer.send(rest + "\r\n")
        elif kind == "raw":
            peer.send(unescaped(rest))
        elif kind == "S:":
            reply = peer.reply()
            assert matches(rest, reply.lines[-1]), f"line {number}: wanted {rest!r}, got {reply.text!r}"
        elif kind == "S|:":
            assert any(matches(rest, line) for line in reply.lines), f"line {number}: no {rest!r} in {reply.text!r}"
        elif kind == "closed":
            assert peer.is_closed(), f"line {number}: still open"
        elif kind == "again":
            peer.close()
            peer = Peer(address, greet=False)
    peer.close()


@pytest.fixture(scope="module")
def listeners(suite, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dialogues")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    mta = Instance(suite, folder / "mx")
    ports = {}
    for file in FILES:
        params, _, _ = parse(file.read_text())
        ports[file] = mta.smtpd_service(None, *params)
    mta.start(virtual_mailbox_maps="static:all/", smtpd_error_sleep_time="0")
    yield ports
    mta.check()


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_dialogue(listeners, suite, file):
    _, steps, reason = parse(file.read_text())
    if reason and suite.is_reference:
        pytest.skip(reason)
    play(("127.0.0.1", listeners[file]), steps)
