"""Access control: the same dialogues to our smtpd and to Debian's, with the same tables and the same DNS. Replies and log
lines must be the same, word for word."""
import itertools
import re

import pytest

from access_cases import DIALOGUES, FAILING, LISTENERS, MESSAGE, ZONE, files
from harness.dns import DnsServer
from harness.instance import Instance
from harness.peer import Closed, Peer
from harness.suite import Suite

pytestmark = pytest.mark.needs_root("the reference")

ROOMY = ("smtpd_hard_error_limit=1000", "smtpd_soft_error_limit=1000", "smtpd_junk_command_limit=1000")
# Lines about the session itself, and Postfix's about names that cannot be in the DNS.
OTHER_LINES = re.compile(r"^(connect from|disconnect from|lost connection after|\w+: client=|warning: (valid_hostname|(numeric|malformed) domain name in resource data))")


def prepare(mta, dns):
    mta.configure(mail_name="Postfix", smtpd_client_event_limit_exceptions="", in_flow_delay="0", smtpd_error_sleep_time="0", smtpd_authorized_xclient_hosts="127.0.0.1", recipient_delimiter="+",
                  virtual_mailbox_maps="static:all/", virtual_transport="discard:", local_recipient_maps="inline:{root=x}", default_transport="discard:",
                  relay_transport="discard:", relay_domains="relayed.test", relay_recipient_maps="inline:{known@relayed.test=x}",
                  virtual_alias_domains="alias-domain.test", inet_protocols="all", smtpd_restriction_classes="closed, waiting, postponing",
                  closed="warn_if_reject reject, reject", waiting="defer_if_reject", postponing="defer_if_permit",
                  fast_flush_domains="etrn.test")
    for name, text in files().items():
        (mta.config / name).write_text(text)
    mta.ports = {}
    for name, settings in LISTENERS.items():
        options = [f"{parameter}={value.format(dir=mta.config) if '{dir}' in value else value.replace('{{', '{').replace('}}', '}')}"
                   for parameter, value in settings.items()]
        mta.ports[name] = mta.smtpd_service(None, *ROOMY, *options)
    for entry in mta.services:
        if entry[7].startswith("smtpd"):
            entry[6] = "1"                  # one process of each
    mta.write()
    dns.serve(mta)


@pytest.fixture(scope="module")
def both(module_folder):
    pair = [Instance(suite, module_folder / suite.name, "mx") for suite in (Suite.reference(), Suite.posthouse())]
    with DnsServer.on_port_53(ZONE) as dns:
        for name in FAILING:
            dns.fail(name)
        for mta in pair:
            prepare(mta, dns)
            mta.start()
            mta.log.wait(r"^disconnect from ", process="smtpd")     # of who looked whether it has started
        yield pair
        for mta in pair:
            mta.check()


def answers(mta, port, lines):
    """What the server says to each line, and what it logs until the session ends."""
    mta.log.forget()
    peer, replies = Peer(("127.0.0.1", port), greet=False), []
    try:
        replies.append(("(connect)", peer.reply().text))
        for line in lines:
            if line == MESSAGE and not replies[-1][1].startswith("354"):
                continue
            sent = line if isinstance(line, tuple) else (line,)
            peer.send("".join(part + "\r\n" for part in sent).encode("latin-1"))
            for part in sent:
                replies.append((part.replace(MESSAGE, "(message)"), re.sub(r"queued as [0-9A-Z]+", "queued as ID", peer.reply().text)))
    except (Closed, ConnectionError):
        replies.append(("", "(closed)"))
    peer.close()
    mta.log.wait(r"^disconnect from ", process="smtpd")
    logged = [plain(mta, line.text) for line in mta.log.lines() if line.process == "smtpd" and not OTHER_LINES.match(line.text)]
    return replies, logged


def plain(mta, text):
    text = text.replace(str(mta.config), "/etc/postfix")
    return re.sub(r"^[0-9A-F]{8,}(?=: )", "ID", text)


def difference(both, service, lines):
    """Text about the first difference in the replies and in the log, or None."""
    (their_replies, their_lines), (our_replies, our_lines) = (answers(mta, mta.ports[service], lines) for mta in both)
    told = []
    for theirs, ours in ((their_replies, our_replies), (their_lines, our_lines)):
        if theirs != ours:
            left, right = next(pair for pair in itertools.zip_longest(theirs, ours, fillvalue="(none)") if pair[0] != pair[1])
            told += [f"  Postfix {left}", f"  ours    {right}"]
    return "\n".join([" | ".join(map(str, lines)), *told]) if told else None


@pytest.mark.parametrize("group", DIALOGUES)
def test_access(both, group):
    service, dialogues = DIALOGUES[group]
    different = [text for text in (difference(both, service, lines) for lines in dialogues) if text]
    assert not different, f"{len(different)} of {len(dialogues)} dialogues differ:\n" + "\n\n".join(different)
