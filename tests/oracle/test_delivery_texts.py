"""For everything a peer may do, our smtp and lmtp say the same as Debian's: relay, status code, status and reason."""
import socket

import pytest

from harness.suite import Suite

from delivery_agent import DeliveryAgent
from delivery_cases import CASES, recipients
from reference_postfix import ReferencePostfix, comparable
from smtp_script import Peer

LIMITS = ("helo", "mail", "rcpt", "data_init", "data_done", "rset", "quit")
MESSAGE = b"Subject: x\n\nhello\n.dot\n"

pytestmark = pytest.mark.needs_root("the reference")


def settings(program):
    return [f"{program}_{'lhlo' if program == 'lmtp' and limit == 'helo' else limit}_timeout = 1s" for limit in LIMITS]


class Site:
    """One case: a domain whose mail goes to a peer that plays the case."""

    def __init__(self, name, program):
        self.name = name
        if CASES[name] == "refused":
            self.held = socket.socket()
            self.held.bind(("127.0.0.1", 0))
            self.peer, self.port = None, self.held.getsockname()[1]
        else:
            self.peer = Peer({}, lmtp=program == "lmtp")
            self.port = self.peer.port
        self.domain = f"p{self.port}.test"
        self.addresses = [f"{user}@{self.domain}" for user in recipients(name)]
        if self.peer:
            self.peer.add({stage.replace("@X", "@" + self.domain): answer for stage, answer in CASES[name].items()})

    def commands(self):
        """What the client said before any content, without the port in addresses."""
        said = [part for part in (self.peer.transcript if self.peer else []) if isinstance(part, str)]
        said = said[:said.index("DATA")] if "DATA" in said else said
        return [line.replace(self.domain, "DOMAIN") for line in said if line not in ("RSET", "QUIT")]

    def nexthop(self, program):
        return f"{'inet:' if program == 'lmtp' else ''}[127.0.0.1]:{self.port}"


@pytest.fixture(scope="module", params=["smtp", "lmtp"])
def program(request):
    return request.param


@pytest.fixture(scope="module")
def reference(program):
    sites = {name: Site(name, program) for name in CASES}
    postfix = ReferencePostfix({s.domain: f"{program}:{s.nexthop(program)}" for s in sites.values()}, settings(program))
    try:
        for site in sites.values():
            postfix.send(site.addresses, MESSAGE)
        found = postfix.lines_to([a for s in sites.values() for a in s.addresses], program)
        yield {name: ([comparable(found[a], s.port, s.domain) for a in s.addresses], s.commands())
               for name, s in sites.items()}
    finally:
        postfix.stop()


@pytest.fixture(scope="module")
def agent(program):
    started = DeliveryAgent(Suite.posthouse().daemons / program, settings(program), program)
    yield started
    status, output = started.stop()
    assert (status, output) == (0, "")


@pytest.mark.parametrize("name", CASES)
def test_same_line_as_the_reference(program, reference, agent, name):
    site = Site(name, program)
    delivered = agent.deliver(site.nexthop(program), site.addresses)
    lines = delivered.lines()
    ours = [next(comparable(line, site.port, site.domain) for line in lines if f"to=<{a}>" in line)
            for a in site.addresses]
    their_lines, their_commands = reference[name]
    assert ours == their_lines
    assert site.commands() == their_commands
    statuses = ["status=" + {"delivered": "sent"}.get(outcome, outcome) + " " for outcome in delivered.outcomes]
    assert all(status in line for status, line in zip(statuses, ours))
    assert delivered.marks == "".join("R" if outcome == "deferred" else "D" for outcome in delivered.outcomes)
