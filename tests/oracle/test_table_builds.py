"""Tables that are built while somebody reads them: every answer is that of a whole table, the old one or the new one."""
import resource
import signal

import pytest

from harness.waiting import wait_for
from table_tool import write

FILES = {"hash": "t.db", "btree": "t.db", "lmdb": "t.lmdb", "cdb": "t.cdb"}
ENTRIES = 20_000


def source(generation, entries=ENTRIES):
    return "".join(f"key{i:06} value{i:06}-{generation}\n" for i in range(entries))


def generations(reader, kind):
    """The generations that the answers are of; every key has an answer."""
    keys = [f"key{i:06}" for i in (*range(0, ENTRIES, 997), ENTRIES - 1)]
    answer = reader.run("postmap", "-q", "-", f"{kind}:t", input="".join(key + "\n" for key in keys).encode())
    rows = dict(line.split("\t") for line in answer.output.decode().splitlines())
    assert list(rows) == keys and answer.status == 0, answer
    return {value.rsplit("-", 1)[1] for value in rows.values()}


@pytest.fixture(params=FILES)
def table(request, ours, folder):
    """A table of generation `old`, beside a source of generation `new`."""
    write(folder, {"t": source("old")})
    assert ours.run("postmap", f"{request.param}:t").status == 0
    write(folder, {"t": source("new")})
    return request.param


def stopped_builder(ours, folder, kind):
    """A builder that sleeps in the middle of writing the new table; the source grows until one is slow enough to be caught."""
    half = folder / (FILES[kind] + ".tmp")
    for factor in (1, 2, 4, 8, 16):
        write(folder, {"t": source("old", factor * ENTRIES)})
        assert ours.run("postmap", f"{kind}:t").status == 0
        write(folder, {"t": source("new", factor * ENTRIES)})
        builder = ours.start("postmap", f"{kind}:t")
        wait_for(lambda: half.exists() or builder.poll() is not None, "the builder begins or ends", interval=0.0005)
        builder.send_signal(signal.SIGSTOP)
        if half.exists():
            return builder
        builder.send_signal(signal.SIGCONT)
        assert builder.wait(60) == 0
    raise AssertionError("no builder was slow enough to be caught")


def seen_by(readers, kind):
    return [generations(reader, kind) for reader in readers]


def test_readers_see_the_old_table_until_the_new_one_is_whole(table, ours, theirs, folder):
    builder = stopped_builder(ours, folder, table)
    assert seen_by((ours, theirs), table) == [{"old"}, {"old"}]
    builder.send_signal(signal.SIGCONT)
    assert builder.wait(60) == 0
    assert seen_by((ours, theirs), table) == [{"new"}, {"new"}]


def test_a_builder_that_is_killed_leaves_the_old_table(table, ours, theirs, folder):
    builder = stopped_builder(ours, folder, table)
    builder.kill()
    assert builder.wait(60) == -signal.SIGKILL
    assert seen_by((ours, theirs), table) == [{"old"}, {"old"}]
    assert ours.run("postmap", f"{table}:t").status == 0
    assert seen_by((ours, theirs), table) == [{"new"}, {"new"}]
    assert sorted(path.name for path in folder.glob("t*")) == sorted(["t", FILES[table]])


def test_a_builder_that_has_no_room_leaves_the_old_table(table, ours, theirs):
    limit = (64 * 1024, 64 * 1024)
    assert ours.run("postmap", f"{table}:t", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)).status != 0
    assert seen_by((ours, theirs), table) == [{"old"}, {"old"}]
