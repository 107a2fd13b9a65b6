"""What a queue of 100,000 deferred messages costs: start-up, new mail, the listing, memory."""
import argparse
import os
import statistics
import subprocess
import sys
import time

from harness.instance import IS_ROOT, _owner_ids
from harness.suite import Suite

import measure
import queue_files


def one_start(mta):
    """Seconds until a client is greeted, and from then until its message is in the mailbox."""
    begin = time.monotonic()
    mta.start()
    ready = time.monotonic()
    count = len(mta.maildir("alice").files())
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait(count + 1)
    return ready - begin, time.monotonic() - ready


def starts(mta, repeat):
    """Medians of `repeat` starts; the system runs afterwards."""
    taken = []
    for number in range(repeat):
        if number:
            mta.stop()
        taken.append(one_start(mta))
    return {"start_s": round(statistics.median(start for start, _ in taken), 3),
            "first_delivery_s": round(statistics.median(delivery for _, delivery in taken), 3)}


def rate(mta, messages, repeat):
    rates = []
    for _ in range(repeat):
        seconds, _ = measure.one_run(mta, messages, queues=("incoming", "active"), sessions=10)
        rates.append(messages / seconds)
    return statistics.median(rates)


def listing(mta):
    """Entries a second of postqueue -p, and the largest memory showq had."""
    begin = time.monotonic()
    process = subprocess.Popen([mta.suite.command("postqueue"), "-c", str(mta.config), "-p"], stdout=subprocess.PIPE,
                               env=mta._environment())
    size = entries = 0
    while chunk := process.stdout.read(1 << 20):
        entries += chunk.count(b"sender@bench.test")
        size += len(chunk)
    process.wait()
    seconds = time.monotonic() - begin
    return {"entries": entries, "entries_per_second": round(entries / seconds), "bytes": size}


def peak(mta, daemon):
    highest = 0
    for pid in mta.pids(daemon):
        with open(f"/proc/{pid}/status") as file:
            highest = max([highest, *(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))])
    return highest


def run(suite, scratch, options):
    figures = {}
    with measure.SmtpSink() as sink:
        mta = measure.instance(suite, scratch / suite.name, relayhost=f"[127.0.0.1]:{sink.port}")
        try:
            figures["empty"] = starts(mta, options.starts)
            measure.one_run(mta, 200, sessions=10)
            figures["empty"]["messages_per_second"] = round(rate(mta, options.messages, options.repeat), 1)
            mta.stop()
            owner = _owner_ids() if IS_ROOT else (os.geteuid(), os.getegid())
            queue_files.fill_deferred(mta.queue, options.queued, owner)
            figures["full"] = starts(mta, options.starts)
            measure.one_run(mta, 200, queues=("incoming", "active"), sessions=10)
            figures["full"]["messages_per_second"] = round(rate(mta, options.messages, options.repeat), 1)
            figures["listing"] = listing(mta)
            figures["memory"] = {name: peak(mta, name) for name in ("qmgr", "showq")}
            assert len(mta.queued("deferred")) == options.queued, len(mta.queued("deferred"))
        finally:
            mta.check()
    ratio = figures["full"]["messages_per_second"] / figures["empty"]["messages_per_second"]
    figures["full_to_empty"] = round(ratio, 3)
    print(f"{suite.name}: start {figures['empty']['start_s']} s empty, {figures['full']['start_s']} s full; first delivery "
          f"{figures['empty']['first_delivery_s']}/{figures['full']['first_delivery_s']} s; new mail "
          f"{figures['empty']['messages_per_second']}/{figures['full']['messages_per_second']} a second ({ratio:.2f}); "
          f"listing {figures['listing']['entries_per_second']} entries/s; qmgr {figures['memory']['qmgr'] >> 20} MiB, "
          f"showq {figures['memory']['showq'] >> 20} MiB", flush=True)
    return figures


def faults_of(figures):
    if figures["full_to_empty"] < 0.8:
        yield f"new mail with a full queue: {figures['full_to_empty']} of that with an empty one, floor 0.8"
    for name in ("start_s", "first_delivery_s"):
        if figures["full"][name] > 1.2 * figures["empty"][name]:
            yield f"{name}: {figures['full'][name]} with a full queue, {figures['empty'][name]} with an empty one"
    if figures["listing"]["entries_per_second"] < 50000:
        yield f"postqueue -p: {figures['listing']['entries_per_second']} entries a second, floor 50000"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queued", type=int, default=100000)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--suites", default="reference,posthouse")
    parser.add_argument("--json", default="build/bench/queue.json")
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()
    result = {"machine": measure.machine(), "queued": options.queued, "suites": {}}
    with measure.file_system("own") as scratch:
        for name in options.suites.split(","):
            result["suites"][name] = run(Suite.named(name), scratch, options)
    measure.save(options.json, result)
    missed = list(faults_of(result["suites"]["posthouse"])) if "posthouse" in result["suites"] else []
    print(*missed, sep="\n", end="\n" if missed else "")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
