"""A private server process on a loopback port or a socket path."""
import os
import signal
import socket
import subprocess

from .waiting import wait_for


class Server:
    def __init__(self, port, *command, **options):
        self.port = port          # or the path
        self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, **options)
        wait_for(self.answers, lambda: f"{command[0]} listens on port {port}", 60)

    def connect(self):
        if isinstance(self.port, int):
            return socket.create_connection(("127.0.0.1", self.port), 1)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.port))
        return connection

    def answers(self):
        try:
            self.connect().close()
            return True
        except OSError:
            return False

    def hang(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self):
        self.resume()
        self.process.kill()
        self.process.wait()
