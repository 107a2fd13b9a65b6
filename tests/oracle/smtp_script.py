"""A scripted SMTP or LMTP server: answers each command as a case says.

script: {stage: answer}. Stages: greeting EHLO HELO LHLO XFORWARD MAIL RCPT DATA dot RSET QUIT and, more
specific, "RCPT <address>". An answer is a reply text (several lines joined by "\n" get their code
hyphenated by the author), CLOSE (drop the connection), HANG (never answer), or a list: one answer per
use, the last one repeated. "text|CLOSE" answers, then closes.
"""
import socket
import threading

CLOSE, HANG = "CLOSE", "HANG"
DEFAULTS = {"greeting": "220 peer.test ESMTP", "EHLO": "250-peer.test\n250-PIPELINING\n250-SIZE 1000000\n"
            "250-8BITMIME\n250-ENHANCEDSTATUSCODES\n250 DSN", "HELO": "250 peer.test", "MAIL": "250 2.1.0 Ok",
            "LHLO": "250-peer.test\n250-PIPELINING\n250-SIZE 1000000\n250-8BITMIME\n250 DSN",
            "RCPT": "250 2.1.5 Ok", "DATA": "354 go", "dot": "250 2.0.0 Ok: queued as ABC", "RSET": "250 2.0.0 Ok",
            "QUIT": "221 2.0.0 Bye", "XFORWARD": "250 2.0.0 Ok", "other": "502 5.5.2 what"}


class Peer:
    def __init__(self, script, lmtp=False, unix=None):
        self.lmtp, self.uses, self.transcript = lmtp, {}, []
        self.script = dict(DEFAULTS)
        self.add(script)
        self.connections = 0
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix)
        else:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(50)
        threading.Thread(target=self.accept, daemon=True).start()

    def add(self, script):
        """Case scripts say EHLO also where an LMTP client says LHLO."""
        self.script.update({"LHLO" if self.lmtp and stage == "EHLO" else stage: answer for stage, answer in script.items()})

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def answer(self, *stages):
        for stage in stages:
            if stage in self.script:
                found = self.script[stage]
                if isinstance(found, list):
                    use = self.uses.get(stage, 0)
                    self.uses[stage] = use + 1
                    found = found[min(use, len(found) - 1)]
                return found
        return self.script["other"]

    def say(self, connection, text):
        """False: stop talking."""
        if text == CLOSE:
            return False
        if text == HANG:
            while connection.recv(4096):
                pass
            return False
        text, _, after = text.partition("|")
        connection.sendall(text.replace("\n", "\r\n").encode("latin1") + b"\r\n")
        return after != CLOSE

    def serve(self, connection):
        with connection:
            try:
                if connection.family == socket.AF_INET:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.converse(connection)
            except OSError:
                pass

    def converse(self, connection):
        if not self.say(connection, self.answer("greeting")):
            return
        reader = connection.makefile("rb")
        accepted = 0
        while line := reader.readline():
            text = line.decode("latin1").rstrip("\r\n")
            self.transcript.append(text)
            verb = text.split(" ")[0].upper()
            address = text[text.find("<"):text.find(">") + 1]
            reply = self.answer(f"{verb} {address}", verb)
            if verb == "MAIL":
                accepted = 0
            if not self.say(connection, reply):
                return
            if verb == "RCPT" and reply.startswith("2"):
                accepted += 1
            if verb == "QUIT":
                return
            if verb == "DATA" and reply.startswith("3"):
                if not self.content(connection, reader, accepted):
                    return

    def content(self, connection, reader, accepted):
        body = []
        while line := reader.readline():
            if line == b".\r\n":
                break
            body.append(line)
        self.transcript.append(b"".join(body))
        for _ in range(accepted if self.lmtp else 1):
            if not self.say(connection, self.answer("dot")):
                return False
        return True
