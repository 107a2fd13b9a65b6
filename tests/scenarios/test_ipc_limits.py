"""How long daemons wait for each other, and keep their connections (ipc_timeout, ipc_idle)."""
import socket

import pytest

from harness.waiting import wait_for


@pytest.mark.posthouse_only("the reference's server ends (fatal), and the client's connection is lost")
def test_a_service_that_does_not_answer(mta):
    mta.start(ipc_timeout="1s", cleanup_service_name="silent")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(mta.queue / "public" / "silent"))
        (mta.queue / "public" / "silent").chmod(0o666)
        silent.listen(100)
        with mta.peer() as peer:
            peer.command("MAIL FROM:<sender@client.test>", 250)
            reply = peer.command("RCPT TO:<alice@virt.test>")
            if reply.code == 250:
                reply = peer.command("DATA")
            assert reply.code == 451, reply


@pytest.fixture
def short(mta):
    mta.service("qmgr", wakeup=0)
    mta.service("pickup", wakeup=0)
    return mta.start(ipc_idle="1s", max_idle="1s")


def test_idle_daemons_end(short):
    """What others have asked them is no reason to stay."""
    short.deliver("alice@virt.test")
    short.maildir("alice").wait(1)
    wait_for(lambda: not any(map(short.pids, ("trivial-rewrite", "cleanup", "virtual"))), "idle daemons end")


@pytest.mark.posthouse_only("the reference looks at its idle connections when it does not wait for a client")
def test_a_session_keeps_no_idle_daemon(short):
    with short.peer() as peer:
        assert peer.ask("alice@virt.test", "sender@client.test").code == 250
        assert short.pids("trivial-rewrite")
        wait_for(lambda: not short.pids("trivial-rewrite"), "an idle resolver ends")
        peer.command("RSET", 250)
        peer.deliver("alice@virt.test")
    short.maildir("alice").wait(1)
