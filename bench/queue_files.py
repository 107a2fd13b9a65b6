"""Writes deferred queue files in bulk, from the documented format (docs/queue.md), to measure what a full queue costs."""
import os
import time
from pathlib import Path


def record(kind, data=b""):
    length, head = len(data), bytearray(kind.encode())
    while True:
        head.append(length & 127 | (128 if length > 127 else 0))
        length >>= 7
        if not length:
            return bytes(head) + data


def queue_file(sender, recipients, lines, now):
    envelope = record("T", f"{now} 0".encode()) + record("A", f"create_time={now}".encode()) + \
        record("A", b"rewrite_context=local") + record("S", sender.encode())
    for recipient in recipients:
        envelope += record("A", b"dsn_orig_rcpt=rfc822;" + recipient.encode()) + record("O", recipient.encode()) + \
            record("R", recipient.encode())
    envelope += record("M")
    content = b"".join(record("N", line) for line in lines)
    fields = (len(content), 97 + len(envelope), len(recipients), 0, len(content), 0)
    size = record("C", " ".join(f"{field:15d}" for field in fields).encode())
    return size + envelope + content + record("X") + record("E")


def fill_deferred(queue, count, owner, next_attempt_in=3600, domains=1000):
    """`count` messages in deferred/, each due in an hour, to recipients in `domains` domains."""
    now = int(time.time())
    queue = Path(queue)
    for digit in "0123456789ABCDEF":
        for parent in ("deferred", "defer"):
            path = queue / parent / digit
            path.mkdir(parents=True, exist_ok=True)
            for made in (path.parent, path):
                os.chown(made, *owner)
                made.chmod(0o700)
    lines = [b"Received: from bench", b"Subject: deferred", b"From: sender@bench.test", b"", *[b"x" * 70] * 20]
    for number in range(count):
        data = queue_file("sender@bench.test", [f"r{number}@d{number % domains}.sink.test"], lines, now)
        temporary = queue / "deferred" / f"{number % 1000000}.1"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, data)
        name = f"{number * 7919 % 1000000:05X}{os.fstat(handle).st_ino:X}"
        os.fchmod(handle, 0o700)
        os.fchown(handle, *owner)
        os.utime(handle, (now + next_attempt_in, now + next_attempt_in))
        os.close(handle)
        os.rename(temporary, queue / "deferred" / name[0] / name)
