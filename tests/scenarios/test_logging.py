"""Where log lines go: to syslog, and through postlogd."""
import collections
import gzip
import re
import socket
import threading
import time

import pytest

from harness import users
from harness.load import Load
from harness.waiting import wait_for

# A /dev of its own for what follows, with our socket as /dev/log.
OWN_DEV = """
dev=$0; for name in null zero random urandom; do touch $dev/$name && mount --bind /dev/$name $dev/$name || exit 1; done
mount --rbind $dev /dev && exec "$@"
"""


class Syslog:
    """Takes what comes to a datagram socket."""

    def __init__(self, path):
        self.lines = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o666)
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while data := self.socket.recv(65536):
            self.lines.append(data.rstrip(b"\n\0").decode())

    def wait(self, pattern):
        wait_for(lambda: any(re.search(pattern, line) for line in self.lines), lambda: f"{pattern} in syslog; it has {self.lines}")


@pytest.mark.needs_root("mounts a /dev")
def test_without_maillog_file_lines_go_to_syslog(mta, folder):
    dev = folder / "dev"
    dev.mkdir()
    syslog = Syslog(dev / "log")
    mta.start_prefix = ["unshare", "--mount", "sh", "-c", OWN_DEV, str(dev)]
    mta.start(maillog_file=None, syslog_name="mailer", syslog_facility="local3")
    local3, info, warning = 19 << 3, 6, 4
    head = r"^<{}>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d mailer/{}\[\d+\]: "
    queue_id, _ = mta.deliver()
    with mta.peer() as peer:
        peer.command("Subject: no command")
    for process, level, text in (("master", info, r"daemon started -- version "), ("smtpd", info, rf"{queue_id}: client=localhost\[127\.0\.0\.1\]$"),
                                 ("virtual", info, rf"{queue_id}: to=<alice@virt\.test>, .*status=sent \(delivered to maildir\)$"),
                                 ("qmgr", info, rf"{queue_id}: removed$"), ("smtpd", warning, r"(warning: )?non-SMTP command from localhost")):
        syslog.wait(head.format(local3 | level, process) + text)
    assert not mta.log.path.exists()
    mta.stop()


@pytest.mark.needs_root("becomes another user")
def test_a_user_logs_through_postlogd(mta):
    users.admit_users(mta)
    mta.start()
    assert mta.log.path.stat().st_uid == 0 and not mta.log.path.stat().st_mode & 0o022
    result = mta.run("postqueue", "-s", "no_such!site", check=False, user="nobody")
    text = 'fatal: Cannot flush mail queue - invalid destination: "no_such!site"'
    assert (result.returncode, result.stdout) == (69, f"postqueue: {text}\n")
    mta.log.wait(re.escape(text), process="postqueue")


def test_no_line_is_lost_by_rotation(mta):
    mta.start(maillog_file_rotate_suffix="%H%M%S")
    load = Load(mta.port, clients=3, recipient="alice@virt.test").start()
    for _ in range(3):
        time.sleep(1)
        mta.postfix("logrotate")
    time.sleep(1)
    load.stop()
    assert load.acknowledged and not load.uncertain
    mta.wait_empty()
    old = sorted(mta.log.path.parent.glob(mta.log.path.name + ".*"))
    assert len(old) == 3 and all(path.suffix == ".gz" for path in old)
    text = "".join(gzip.decompress(path.read_bytes()).decode() for path in old) + mta.log.path.read_text()
    steps = {name: collections.Counter(re.findall(pattern, text)) for name, pattern in (
        ("client", r"/smtpd\[\d+\]: (\w+): client="), ("message-id", r"/cleanup\[\d+\]: (\w+): message-id="),
        ("from", r"/qmgr\[\d+\]: (\w+): from="), ("to", r"/virtual\[\d+\]: (\w+): to=.*status=sent"),
        ("removed", r"/qmgr\[\d+\]: (\w+): removed"))}
    ids = dict(re.findall(r"(\w+): message-id=<([^>]*)>", text))
    acknowledged = {queue_id for queue_id, message_id in ids.items() if message_id in load.acknowledged}
    assert len(acknowledged) == len(load.acknowledged)
    for name, counts in steps.items():
        assert {queue_id: counts[queue_id] for queue_id in acknowledged if counts[queue_id] != 1} == {}, name


@pytest.mark.parametrize("form", ["external", "internal"])
def test_addresses_in_the_log(mta, sink, form):
    def shown(local, domain):
        return f'"{local}"@{domain}' if form == "external" else f"{local}@{domain}"

    sink.on("RCPT", lambda session, argument: "550 5.1.1 no" if "bad" in argument else "450 4.1.1 later" if "later" in argument else "250 ok")
    mta.start(info_log_address_format=form, relayhost=sink.nexthop, virtual_alias_maps='inline:{{al@virt.test="x y"@virt.test}}',
              virtual_mailbox_maps='inline:{{"x y"@virt.test=alice/}}')
    sender, there = shown("a b", "client.test"), shown("x y", "virt.test")
    mta.deliver("al@virt.test", sender='"a b"@client.test')
    with mta.peer() as peer:
        refusal = peer.ask('"u u"@virt.test', '"a b"@client.test')
    assert refusal.text == "550 5.1.1 <u u@virt.test>: Recipient address rejected: User unknown in virtual mailbox table"
    mta.sendmail("-f", '"a b"@client.test', '"bad 1"@elsewhere.test', '"later 1"@elsewhere.test', message=b"Subject: x\n\nx\n")
    for process, text in (("qmgr", f"from=<{sender}>, size="), ("pickup", f" from=<{sender}>"), ("virtual", f"to=<{there}>, orig_to=<al@virt.test>, "),
                          ("smtpd", f"; from=<{sender}> to=<{shown('u u', 'virt.test')}> proto="),
                          ("smtp", f"to=<{shown('bad 1', 'elsewhere.test')}>, "), ("smtp", f"to=<{shown('later 1', 'elsewhere.test')}>, ")):
        mta.log.wait(re.escape(text), process=process)
