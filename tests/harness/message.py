"""Messages with a Message-Id that can be counted at the other end."""
import itertools
import os
import re

_serial = itertools.count(1)
_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.I | re.M)


def new_id():
    return f"{os.getpid()}.{next(_serial)}.{os.urandom(4).hex()}@client.test"


def make(to="alice@virt.test", sender="sender@client.test", subject="a test", size=0, message_id=None,
         headers=(), body=None):
    """A complete message with CRLF line ends; the body is padded to about `size` bytes."""
    lines = [f"From: <{sender}>", f"To: <{to}>", f"Subject: {subject}",
             "Date: Mon, 23 Nov 2026 10:00:00 +0000", f"Message-Id: <{message_id or new_id()}>", *headers, ""]
    lines += ["Hello there."] if body is None else body.split("\n")
    text = "\r\n".join(lines) + "\r\n"
    if size > len(text):
        row = "x" * 70 + "\r\n"
        text += row * ((size - len(text)) // len(row) + 1)
    return text.encode()


def id_of(data):
    match = _ID.search(data)
    return match[1].decode() if match else None
