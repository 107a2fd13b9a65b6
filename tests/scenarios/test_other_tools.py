"""Tools of others as peers and readers: swaks, smtp-source, smtp-sink, pflogsumm."""
import re
import socket
import subprocess

import pytest

from harness.instance import IS_ROOT
from harness.ports import free_port
from harness.sink import Sink
from harness.waiting import wait_for

TOOLS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


def call(*command, status=0):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, env=TOOLS, stdin=subprocess.DEVNULL)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def swaks(mta, *options, to="alice@virt.test", status=0):
    return call("swaks", "--server", f"127.0.0.1:{mta.port}", "--from", "sender@client.test", "--helo", "client.test", "--to", to,
                *options, status=status)


@pytest.mark.parametrize("options", [[], ["--pipeline"], ["--protocol", "SMTP"], ["--xclient-no-verify"]], ids=lambda options: " ".join(options) or "plain")
def test_swaks_delivers(mta, options):
    mta.start()
    shown = swaks(mta, *options, "--header", "Subject: from swaks", "--body", "one\n.two\n..three", to="alice@virt.test,bob@virt.test")
    assert re.search(r"^<.* 250 2\.0\.0 Ok: queued as \w+$", shown, re.M)
    for user in ("alice", "bob"):
        [message] = mta.maildir(user).wait_parsed()
        assert message["Subject"] == "from swaks" and message.get_content().splitlines()[:3] == ["one", ".two", "..three"]


def test_swaks_sees_refusals(mta):
    mta.start(mynetworks="192.0.2.0/24")
    RCPT_REFUSED = 24
    assert "<** 550 5.1.1 <nobody@virt.test>" in swaks(mta, to="nobody@virt.test", status=RCPT_REFUSED)
    assert "Relay access denied" in swaks(mta, "--pipeline", to="x@elsewhere.test", status=RCPT_REFUSED)
    shown = swaks(mta, to="nobody@virt.test,alice@virt.test")      # one good recipient is enough
    assert "<** 550 5.1.1 <nobody@virt.test>" in shown
    mta.maildir("alice").wait()


def test_smtp_source_through_us_to_smtp_sink(mta):
    port = free_port()
    sink = subprocess.Popen(["smtp-sink", *(["-u", "nobody"] if IS_ROOT else []), f"127.0.0.1:{port}", "100"], env=TOOLS)
    try:
        wait_for(lambda: is_listening(port), "smtp-sink listens")
        mta.start(relayhost=f"[127.0.0.1]:{port}")
        call("smtp-source", "-s", "5", "-m", "40", "-r", "2", "-l", "3000", "-f", "sender@client.test", "-t", "to@elsewhere.test",
             f"127.0.0.1:{mta.port}")
        mta.log.wait(r"status=sent \(250 ", 80)
        mta.wait_empty()
    finally:
        sink.kill()
        sink.wait(30)


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


TOTALS = {"received": 6, "delivered": 6, "forwarded": 0, "deferred": 1, "bounced": 1, "rejected": 3}


def test_pflogsumm_counts_what_happened(mta):
    down = free_port()
    with Sink() as sink:
        sink.on("RCPT", "550 5.1.1 no such user", match="gone@")
        mta.start(mynetworks="127.0.0.0/8", smtpd_recipient_restrictions="check_recipient_access inline:{refused@virt.test=reject}",
                  transport_maps=f"inline:{{down.test=smtp:[127.0.0.1]:{down}}}", relayhost=sink.nexthop)
        for recipient in ("alice@virt.test", "bob@virt.test", "x@elsewhere.test", "y@elsewhere.test"):
            mta.deliver(recipient, sender="sender@virt.test")
        mta.deliver(["gone@elsewhere.test", "z@elsewhere.test"], sender="sender@virt.test")        # a notice comes back
        mta.deliver("later@down.test", sender="sender@virt.test")
        for _ in range(3):
            assert mta.ask("refused@virt.test").code == 554
        mta.log.wait(r"status=deferred")
        mta.maildir("sender").wait()
        wait_for(lambda: len(mta.queued()) == 1, "one deferred message is left")
    mta.stop()
    text = call("pflogsumm", mta.log.path)
    counts = dict(reversed(line.split(None, 1)) for line in text.partition("Grand Totals")[2].splitlines() if re.match(r" +\d+ +\w", line))
    found = {name: int(next(number for key, number in counts.items() if key.split()[0] == name)) for name in TOTALS}
    assert found == TOTALS, text
