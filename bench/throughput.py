"""Messages a second and processor time per message, beside Debian's Postfix: smtp-source -> suite -> smtp-sink.

Both suites have the same configuration, log to a maillog file, and fsync before 250. They run in turn, several
times each, on the same disk; the figure is the median. Time counts from the first command until the queue is empty."""
import argparse
import statistics
import sys

from harness.suite import Suite

import measure

ROWS = {
    "10 reused sessions, 4 KB": dict(sessions=10, size=4096, count=6000),
    "50 reused sessions, 4 KB": dict(sessions=50, size=4096, count=6000),
    "one reused session, 4 KB": dict(sessions=1, size=4096, count=2000),
    "a new connection per message": dict(sessions=10, size=4096, count=3000, reuse=False),
    "20 reused sessions, 64 KB": dict(sessions=20, size=65536, count=3000),
    "10 reused sessions, 50 recipients": dict(sessions=10, size=4096, count=1500, recipients=50),
}
FLOORS = dict(zip(ROWS, (3, 4, 1.5, 2.5, 3, 4)))
GOALS = dict(zip(ROWS, (6, 10, 2.5, 5, 5, 8)))
MOST_CPU_MS = {"10 reused sessions, 4 KB": 0.7}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suites", default="reference,posthouse")
    parser.add_argument("--file-systems", default="own,ext4")
    parser.add_argument("--rows", default="", help="numbers of rows from 1, by comma; all by default")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of messages")
    parser.add_argument("--json", default="build/bench/throughput.json")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="main.cf setting for both")
    return parser.parse_args()


def measure_row(suites, row, options):
    load = dict(ROWS[row])
    count = max(load["sessions"], int(load.pop("count") * options.scale))
    samples = {name: [] for name in suites}
    for _ in range(options.repeat):
        for name, mta in suites.items():
            # Postfix is a fraction as fast; its runs need not last several times as long.
            messages = count if name != "reference" else max(load["sessions"], count // 2)
            seconds, cpu = measure.one_run(mta, messages, **load)
            samples[name].append((messages / seconds, cpu * 1000 / messages))
    return {name: {"messages_per_second": round(statistics.median(rate for rate, _ in taken), 1),
                   "cpu_ms_per_message": round(statistics.median(cpu for _, cpu in taken), 3),
                   "samples": [round(rate, 1) for rate, _ in taken]} for name, taken in samples.items()}


def profile(mta, row, options):
    """Where Posthouse's time goes: of each daemon the CPU ms a message and the share of one processor it kept busy."""
    load = dict(ROWS[row])
    count = max(load["sessions"], int(load.pop("count") * options.scale))
    before = measure.cpu_by_daemon(mta)
    seconds, _ = measure.one_run(mta, count, **load)
    after = measure.cpu_by_daemon(mta)
    figures = {}
    for name, spent in after.items():
        user, system = (now - then for now, then in zip(spent, before.get(name, (0, 0))))
        if user + system > 0.01 * seconds:
            figures[name] = {"user_ms": round(user * 1000 / count, 3), "system_ms": round(system * 1000 / count, 3),
                             "busy": round((user + system) / seconds, 2)}
    print("    " + "; ".join(f"{name} {spent['user_ms']:.2f} + {spent['system_ms']:.2f} ms, busy {spent['busy']:.0%}"
                             for name, spent in figures.items()), flush=True)
    return figures


def report(row, figures):
    text = f"  {row:<36}"
    for name, figure in figures.items():
        text += f"{name:>10} {figure['messages_per_second']:8.1f}/s {figure['cpu_ms_per_message']:6.2f} ms"
    if {"reference", "posthouse"} <= figures.keys():
        ratio = figures["posthouse"]["messages_per_second"] / figures["reference"]["messages_per_second"]
        figures["ratio"] = round(ratio, 2)
        text += f"   ratio {ratio:5.2f} (floor {FLOORS[row]}, goal {GOALS[row]})"
    print(text, flush=True)


def check_all_sent(mta):
    others = [delivery for delivery in mta.log.deliveries() if delivery["status"] != "sent"]
    assert not others, others[:3]


def faults_of(row, figures):
    if figures.get("ratio", 99) < FLOORS[row]:
        yield f"ratio {figures['ratio']}, floor {FLOORS[row]}"
    cpu = figures.get("posthouse", {}).get("cpu_ms_per_message", 0)
    if cpu > MOST_CPU_MS.get(row, 99):
        yield f"{cpu} CPU ms a message, at most {MOST_CPU_MS[row]}"


def on_file_system(name, options):
    with measure.file_system(name) as scratch, measure.SmtpSink() as sink:
        print(f"{name}: {measure.kind_of(scratch)}")
        suites = {}
        rows = {}
        try:
            for suite_name in options.suites.split(","):
                settings = dict(pair.split("=", 1) for pair in options.set)
                mta = measure.instance(Suite.named(suite_name), scratch / suite_name, relayhost=f"[127.0.0.1]:{sink.port}", **settings)
                suites[suite_name] = mta.start()
                measure.one_run(mta, 300, sessions=10)
            chosen = [int(number) - 1 for number in options.rows.split(",")] if options.rows else range(len(ROWS))
            for row in [list(ROWS)[number] for number in chosen]:
                rows[row] = measure_row(suites, row, options)
                report(row, rows[row])
                if "posthouse" in suites:
                    rows[row]["profile"] = profile(suites["posthouse"], row, options)
            for mta in suites.values():
                check_all_sent(mta)
        finally:
            for mta in suites.values():
                mta.check()
        return {"type": measure.kind_of(scratch), "rows": rows}


def main():
    options = arguments()
    result = {"machine": measure.machine(), "floors": FLOORS, "goals": GOALS, "file_systems": {}}
    for name in options.file_systems.split(","):
        result["file_systems"][name] = on_file_system(name, options)
    measure.save(options.json, result)
    missed = [f"{name}: {row}: {fault}" for name, taken in result["file_systems"].items()
              for row, figures in taken["rows"].items() for fault in faults_of(row, figures)]
    print(*missed, sep="\n", end="\n" if missed else "")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
