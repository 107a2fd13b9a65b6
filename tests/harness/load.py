"""Clients that send as fast as they are answered, and remember what was acknowledged."""
import threading

from .message import new_id, make
from .peer import Peer


class Load:
    """`clients` threads, each sending message after message to `recipient` until stop()."""

    def __init__(self, port, clients=8, recipient="one@elsewhere.test", size=2000, per_session=10, pause=0):
        self.port, self.recipient, self.size, self.per_session, self.pause = port, recipient, size, per_session, pause
        self.acknowledged = set()
        self.uncertain = set()       # the connection broke before the answer
        self.refused = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"

    def _run(self):
        while not self._stop.is_set():
            try:
                with Peer(("127.0.0.1", self.port), timeout=15) as peer:
                    for _ in range(self.per_session):
                        if self._stop.is_set():
                            break
                        self._one(peer)
                        if self.pause:
                            self._stop.wait(self.pause)
                    peer.quit()
            except (OSError, AssertionError, ValueError):
                self._stop.wait(0.1)

    def _one(self, peer):
        message_id = new_id()
        data = make(to=self.recipient, message_id=message_id, size=self.size)
        peer.envelope("sender@client.test", self.recipient)
        peer.command("DATA", 354)
        peer.send(data + b".\r\n")
        try:
            reply = peer.reply()
        except (OSError, ValueError):
            self.uncertain.add(message_id)
            raise
        if reply.code == 250:
            self.acknowledged.add(message_id)
        else:
            self.refused += 1
