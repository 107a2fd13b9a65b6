"""Headers and envelopes of messages through both suites: senders, header fields of each kind, copies. Everything goes to one
sink per suite, where the messages are compared byte by byte, without what differs from run to run."""
import difflib
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from harness.instance import Instance
from harness.peer import Peer
from harness.sink import Sink
from harness.suite import Suite
from harness.waiting import wait_for

from header_cases import CONFIGURATIONS, HEADERS, OWN, RECIPIENTS, SENDERS, WAYS

pytestmark = pytest.mark.needs_root("the reference")


class Relay:
    """A suite that sends everything to its sink."""

    def __init__(self, suite, folder):
        self.sink = Sink()
        hop = f"smtp:{self.sink.nexthop}"
        mta = self.mta = Instance(suite, folder / suite.name, "mx")
        self.base = {**mta.main, "default_transport": hop, "local_transport": hop, "virtual_transport": hop, "relay_transport": hop,
                     "local_recipient_maps": "", "smtpd_relay_restrictions": "permit_mynetworks, reject", "smtpd_reject_unlisted_recipient": "no",
                     "smtpd_error_sleep_time": "0", "mail_name": "Postfix", "mydestination": "mx.example.test, example.test"}
        mta.main = dict(self.base)
        mta.write()
        mta.start()

    def use(self, settings):
        self.mta.main = dict(self.base)
        self.mta.apply(**settings)

    def pass_on(self, messages):
        """What the sink gets of each message, by name."""
        self.sink.messages.clear()
        self.mta.log.forget()
        for name, (way, sender, recipients, data) in messages.items():
            self._submit(f"Subject: {name}\n{data}\n\nbody\n".encode(), way, sender, recipients)
        wait_for(lambda: len(self.mta.log.grep(r"^\w+: removed$")) == len(messages), lambda: f"all messages are delivered; {self.mta.log.text()[-3000:]}", 120)
        found = {}
        for taken in self.sink.messages:
            name = re.search(rb"^Subject: (.*?)\r\n", taken.data, re.M)[1].decode()
            found.setdefault(name, []).append((taken.sender, sorted(taken.recipients), comparable(taken.data)))
        return {name: sorted(found[name]) for name in found}

    def _submit(self, data, way, sender, recipients):
        if isinstance(way, tuple):
            return self.mta.sendmail(*way, "-i", "-f", sender, "--", *recipients, message=data)
        with Peer(("127.0.0.1", self.mta.port), source=(way, 0)) as peer:
            peer.envelope(sender, recipients)
            return peer.content(data.replace(b"\n", b"\r\n"))

    def rewritten(self):
        """Which recipient became what, as the log tells."""
        return {(line["to"], line["orig_to"]) for line in self.mta.log.deliveries()}

    def end(self):
        self.mta.check()
        self.sink.stop()


def comparable(data):
    """Without our own Received: header, times and queue ids."""
    text = re.sub(r"\AReceived: .*?\r\n(?![ \t])", "", data.decode("utf-8", "replace"), flags=re.S)
    text = re.sub(r"(Message-Id: <)[0-9]+\.[0-9A-Z]+@", r"\1TIME.ID@", text)
    return re.sub(r"Date: \w+, [ 0-9]+ \w+ 20.*", "Date: NOW", text)


def difference(theirs, ours):
    """The lines that only one of them has."""
    texts = [[line for copy in taken for line in (f"MAIL {copy[0]}", f"RCPT {copy[1]}", *copy[2].split("\r\n"))] for taken in (theirs, ours)]
    return "\n".join(line for line in difflib.unified_diff(*texts, "Postfix", "ours", n=0, lineterm=""))


def messages():
    """Each kind of header from SMTP clients, some on the other ways, and each sender."""
    found = {f"{kind} headers of {way}": (WAYS[way], "canon@example.test", RECIPIENTS, HEADERS[kind])
             for way in WAYS for kind in (HEADERS if isinstance(WAYS[way], str) else ("plain", "bare"))}
    for sender in SENDERS:
        found[f"sender {sender or 'null'}"] = (OWN, sender, RECIPIENTS, HEADERS["bare"])
    return found


@pytest.fixture(scope="module")
def relays():
    folder = Path(tempfile.mkdtemp(prefix="posthouse-"))
    folder.chmod(0o755)
    made = []
    try:
        for suite in (Suite.reference(), Suite.posthouse()):
            made.append(Relay(suite, folder))
        yield made
    finally:
        for relay in made:
            relay.end()
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_headers_and_senders_are_rewritten_alike(name, relays):
    asked = messages()
    answers = []
    for relay in relays:
        relay.use(CONFIGURATIONS[name])
        answers.append((relay.pass_on(asked), relay.rewritten()))
    (theirs, their_rewritten), (ours, our_rewritten) = answers
    assert theirs.keys() == asked.keys()
    different = [f"{message}:\n" + difference(theirs[message], ours.get(message, [])) for message in theirs if theirs[message] != ours.get(message)]
    assert not different, f"{len(different)} differences:\n" + "\n".join(different)
    assert our_rewritten == their_rewritten
