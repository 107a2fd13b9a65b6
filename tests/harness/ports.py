"""Free loopback ports below the kernel's ephemeral range, so that no outgoing connection takes one
between the choice and the bind. Servers of our own bind port 0 instead."""
import random
import socket

_FIRST, _LAST = 20000, 32000
_given = set()


def free_port(host="127.0.0.1"):
    for _ in range(1000):
        port = random.randrange(_FIRST, _LAST)
        if port in _given:
            continue
        with socket.socket(socket.AF_INET) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError(f"no free port in {_FIRST}-{_LAST}")
