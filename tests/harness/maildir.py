"""Reads a Maildir."""
from email import message_from_bytes, policy
from pathlib import Path

from .message import id_of
from .waiting import wait_for


class Maildir:
    def __init__(self, path):
        self.path = Path(path)

    def files(self):
        return sorted(file for sub in ("new", "cur") if (self.path / sub).is_dir()
                      for file in (self.path / sub).iterdir())

    def messages(self):
        return [file.read_bytes() for file in self.files()]

    def ids(self):
        return [id_of(data) for data in self.messages()]

    def wait(self, count=1, timeout=None):
        """All messages once there are `count`, as bytes."""
        wait_for(lambda: len(self.files()) >= count,
                 lambda: f"{count} message(s) in {self.path}, there are {len(self.files())}", timeout)
        return self.messages()

    def wait_parsed(self, count=1, timeout=None):
        return [message_from_bytes(data, policy=policy.default) for data in self.wait(count, timeout)]
