"""Many idle sessions on the default configuration: memory each, and how soon a new client is served."""
import argparse
import resource
import selectors
import socket
import statistics
import sys
import time

from harness import processes
from harness.suite import Suite

import measure


def pss_bytes(pid):
    """Proportional share: memory that several processes map counts once in all."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def memory(mta):
    pids = mta.pids("smtpd")
    return {"rss": sum(map(processes.resident_bytes, pids)), "pss": sum(map(pss_bytes, pids)), "processes": len(pids)}


def open_sessions(port, wanted, at_once=200, patience=30):
    """Sockets of clients that have had their greeting; fewer than `wanted` when the server serves no more."""
    selector = selectors.DefaultSelector()
    greeted, begun, last = [], 0, time.monotonic()
    while len(greeted) < wanted:
        while begun < wanted and begun - len(greeted) < at_once:
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            selector.register(client, selectors.EVENT_READ)
            begun += 1
        for key, _ in selector.select(1):
            if not key.fileobj.recv(512).startswith(b"220"):
                raise SystemExit("a client was refused")
            selector.unregister(key.fileobj)
            greeted.append(key.fileobj)
            last = time.monotonic()
        if time.monotonic() - last > patience:
            break
    waiting = [key.fileobj for key in selector.get_map().values()]
    return greeted, waiting


def new_client_seconds(mta, timeout):
    start = time.monotonic()
    try:
        with mta.peer(timeout=timeout) as peer:
            taken = time.monotonic() - start
            peer.quit()
            return taken
    except OSError:
        return None


def run(suite, scratch, wanted):
    mta = measure.instance(suite, scratch / suite.name)
    sockets = []
    try:
        mta.start()
        for _ in range(5):
            mta.peer().quit()
        before = memory(mta)
        start = time.monotonic()
        greeted, waiting = open_sessions(mta.port, wanted, patience=30 if suite.is_posthouse else 5)
        seconds = time.monotonic() - start
        sockets = greeted + waiting
        after = memory(mta)
        answers = [new_client_seconds(mta, 5) for _ in range(20 if not waiting else 1)]
        served = [taken for taken in answers if taken is not None]
        return {"wanted": wanted, "held": len(greeted), "open_seconds": round(seconds, 2),
                "rss_bytes_per_session": round((after["rss"] - before["rss"]) / max(1, len(greeted))),
                "pss_bytes_per_session": round((after["pss"] - before["pss"]) / max(1, len(greeted))),
                "processes": after["processes"], "new_client_median_s": round(statistics.median(served), 4) if served else None,
                "new_client_max_s": round(max(served), 4) if served else None}
    finally:
        for client in sockets:
            client.close()
        mta.allowed_trouble.append("reached its process limit")
        mta.check()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10000)
    parser.add_argument("--suites", default="reference,posthouse")
    parser.add_argument("--json", default="build/bench/sessions.json")
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    result = {"machine": measure.machine(), "suites": {}}
    failed = False
    with measure.file_system("own") as scratch:
        for name in options.suites.split(","):
            wanted = options.sessions if name == "posthouse" else 150
            figures = result["suites"][name] = run(Suite.named(name), scratch, wanted)
            print(f"{name}: {figures['held']} of {wanted} sessions held by {figures['processes']} processes, "
                  f"{figures['rss_bytes_per_session'] / 1024:.1f} KB each ({figures['pss_bytes_per_session'] / 1024:.1f} KB unshared); "
                  f"a new client served after {figures['new_client_median_s']} s (slowest {figures['new_client_max_s']})", flush=True)
            if name == "posthouse":
                failed = figures["held"] < wanted or figures["rss_bytes_per_session"] > 20 * 1024 \
                    or not figures["new_client_max_s"] or figures["new_client_max_s"] > 0.1
    measure.save(options.json, result)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
