"""Runs one delivery program alone: plays the queue manager, the bounce services and the verify service for it."""
import fcntl
import os
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def read_varint(data, at):
    number = shift = 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return number | data[at] << shift, at + 1


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return varint(len(value)) + value


def signed(number):
    return varint(number * 2 if number >= 0 else -number * 2 - 1)


def frame(identifier, name, fields):
    body = struct.pack(">IB", identifier, len(name)) + name.encode() + fields
    return struct.pack(">I", len(body)) + body


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_frame(connection):
    body = read_exactly(connection, struct.unpack(">I", read_exactly(connection, 4))[0])
    identifier, size = struct.unpack(">IB", body[:5])
    return identifier, body[5:5 + size].decode(), body[5 + size:]


def record(kind, data):
    data = data.encode() if isinstance(data, str) else data
    return kind.encode() + varint(len(data)) + data


def queue_file(sender, recipients, lines):
    """Bytes, recipient offsets, data offset, content length."""
    head = record("T", f"{int(time.time())} 0") + record("S", sender)
    offsets = []
    for recipient in recipients:
        offsets.append(97 + len(head))
        head += record("R", recipient)
    head += record("M", "")
    content = b"".join(record("N", line) for line in lines)
    size = " ".join(f"{n:15d}" for n in (len(content), 97 + len(head), len(recipients), 0, len(content), 0))
    return record("C", size) + head + content + record("X", "") + record("E", ""), offsets, 97 + len(head), len(content)


OUTCOMES = ["delivered", "bounced", "deferred"]


class DeliveryAgent:
    def __init__(self, program, settings=(), name="smtp"):
        self.directory = Path(tempfile.mkdtemp(prefix="posthouse-agent-"))
        self.directory.chmod(0o755)
        self.spool = self.directory / "spool"
        for part in ("etc", "spool/active", "spool/private", "spool/public"):
            (self.directory / part).mkdir(parents=True)
        self.log_path = self.directory / "log"
        owner = "postfix" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.owner = pwd.getpwnam(owner)
        (self.directory / "etc/main.cf").write_text(
            f"queue_directory = {self.spool}\ndata_directory = {self.directory}\nmail_owner = {owner}\n"
            "myhostname = mx.example.test\ncompatibility_level = 3.7\nmaillog_file = /dev/stdout\n"
            "maillog_file_prefixes = /dev/stdout\n" + "\n".join(settings) + "\n")
        self.appended, self.verified, self.messages = [], [], 0
        for service in ("bounce", "defer", "trace", "verify"):
            self.listen(f"private/{service}", service)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.spool / "private" / name))
        listener.listen(50)
        listener.setblocking(False)
        self.path = str(self.spool / "private" / name)
        if os.getuid() == 0:
            for path in [self.spool, *self.spool.rglob("*")]:
                os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        self.start(program, name, listener)

    def start(self, program, name, listener):
        lifeline, self.lifeline = os.pipe()
        self.status, status = os.pipe()
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        wanted = {3: lifeline, 4: log, 5: status, 6: listener.fileno()}

        def arrange():
            high = {number: fcntl.fcntl(fd, fcntl.F_DUPFD, 1000) for number, fd in wanted.items()}
            for number, fd in high.items():
                os.dup2(fd, number)
            os.closerange(7, 1100)

        self.process = subprocess.Popen(
            [program, "-n", name, "-t", "unix", "-u", "-s", "1", "-z", "1000"], cwd=self.spool, preexec_fn=arrange,
            close_fds=False, env={"MAIL_CONFIG": str(self.directory / "etc"), "PATH": "/usr/bin:/bin"},
            stdout=open(self.directory / "stdout", "w"), stderr=subprocess.STDOUT)
        for fd in (lifeline, status, log):
            os.close(fd)
        listener.close()

    def listen(self, path, service):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.spool / path))
        listener.listen(50)

        def serve(connection):
            with connection:
                try:
                    while True:
                        identifier, name, fields = read_frame(connection)
                        if service == "verify":
                            self.verified.append(fields)
                            connection.sendall(frame(identifier, "verify.updated", b"\x01"))
                        else:
                            self.appended.append((service, fields))
                            connection.sendall(frame(identifier, "bounce.reply", b"\x01"))
                except (EOFError, OSError):
                    pass

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def deliver(self, nexthop, recipients, lines=("Subject: x", "", "hello", ".dot"), sender="s@example.test", flags=0,
                encoding="", message_size=270, envelope_id="", ret=0, notify=0, send_options=0, client=(), timeout=30):
        """Outcomes, one per recipient, the destination's failure (or None), the marks in the file, the log lines."""
        self.messages += 1
        queue_id = f"{self.messages:05X}ABCDEF"
        data, offsets, data_offset, content = queue_file(sender, recipients, lines)
        path = self.spool / "active" / queue_id
        path.write_bytes(data)
        path.chmod(0o700)
        if os.getuid() == 0:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        now = int(time.time() * 1e6)
        fields = varint(flags) + text("active") + text(queue_id) + text(nexthop) + text("smtp")
        fields += signed(data_offset) + signed(content) + signed(message_size) + varint(send_options) + text(encoding)
        fields += text(sender) + text(envelope_id) + varint(ret) + text("local") + text(queue_id)
        fields += varint(len(client)) + b"".join(text(n) + text(v) for n, v in client)
        fields += signed(now) + signed(now) + signed(now) + varint(len(recipients))
        for offset, recipient in zip(offsets, recipients):
            fields += signed(offset) + text(recipient) + text(recipient) + text(f"rfc822;{recipient}") + varint(notify)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(self.path)
            connection.sendall(frame(0, "delivery.request", fields))
            _, name, reply = read_frame(connection)
        assert name == "delivery.reply"
        status, (count, at) = reply[0], read_varint(reply, 1)
        outcomes = [OUTCOMES[value] for value in reply[at:at + count]]
        destination = reply[at + count + 1:] if reply[at + count] else None
        marked = path.read_bytes()
        marks = "".join(chr(marked[offset]) for offset in offsets)
        path.unlink()
        return Delivered(queue_id, status, outcomes, destination, marks, self)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        os.close(self.lifeline)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.status)
        status, output = self.process.returncode, (self.directory / "stdout").read_text()
        shutil.rmtree(self.directory)
        return status, output


class Delivered:
    def __init__(self, queue_id, status, outcomes, destination, marks, agent):
        self.queue_id, self.status, self.outcomes, self.destination = queue_id, status, outcomes, destination
        self.marks, self.agent = marks, agent

    def lines(self, count=None):
        """Texts of the log lines of this message; waits for as many as there are recipients."""
        wanted = len(self.outcomes) if count is None else count
        deadline = time.monotonic() + 10
        while True:
            found = [line.split(": ", 1)[1] for line in self.agent.log().splitlines() if f" {self.queue_id}: " in line]
            if len(found) >= wanted or time.monotonic() > deadline:
                return found
            time.sleep(0.02)
