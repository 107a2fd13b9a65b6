"""postmap and postalias beside Debian's: the same answers, the same warnings, each other's files."""
import pytest

from table_cases import ALIASES, LOOKUPS, MAP_SOURCES, OPENINGS, RULE_SOURCES
from table_tool import write

FILE_TYPES = ("hash", "btree", "lmdb", "cdb")


def test_there_are_enough_lookups():
    assert sum(len(case.keys) for case in LOOKUPS) >= 300


@pytest.mark.parametrize("case", LOOKUPS, ids=lambda case: case.name)
def test_lookups_agree(case, ours, theirs, folder):
    write(folder, case.files)
    for spec in case.build:
        assert theirs.run("postmap", spec).status == 0
    keys = "\n".join(case.keys).encode() + b"\n"
    assert ours.run("postmap", *case.options, "-q", "-", case.spec, input=keys) == \
        theirs.run("postmap", *case.options, "-q", "-", case.spec, input=keys)


@pytest.mark.parametrize("kind", FILE_TYPES)
@pytest.mark.parametrize("name", MAP_SOURCES)
def test_tables_are_built_alike_and_read_by_both(kind, name, ours, theirs, folder):
    write(folder, {"t": MAP_SOURCES[name]})
    dumps = []
    for builder in (ours, theirs):
        built = builder.run("postmap", f"{kind}:t")
        # Keys that are not UTF-8 are complained about with the table's name in other words.
        keys = sorted({line.split()[0] for line in MAP_SOURCES[name].splitlines() if line.strip() and line.isprintable()
                       or "\t" in line})
        asked = "\n".join(keys).encode(errors="replace") + b"\n"
        answers = [reader.run("postmap", "-q", "-", f"{kind}:t", input=asked) for reader in (ours, theirs)]
        assert answers[0] == answers[1]
        if kind == "cdb":            # the reference cannot dump it
            dumps.append((built, answers[0]))
        else:
            read = [sorted(reader.run("postmap", "-s", f"{kind}:t").output.splitlines()) for reader in (ours, theirs)]
            assert read[0] == read[1]
            dumps.append((built, read[0]))
        (folder / "t.db").unlink(missing_ok=True)
        (folder / "t.lmdb").unlink(missing_ok=True)
        (folder / "t.cdb").unlink(missing_ok=True)
    assert dumps[0] == dumps[1]


@pytest.mark.parametrize("name", MAP_SOURCES)
def test_texthash_reads_sources_alike(name, ours, theirs, folder):
    write(folder, {"t": MAP_SOURCES[name]})
    answers = [tool.run("postmap", "-s", "texthash:t") for tool in (ours, theirs)]
    for answer in answers:
        answer.output = sorted(answer.output.splitlines())
    assert answers[0] == answers[1]


@pytest.mark.parametrize("kind, name", [(kind, name) for name, case in RULE_SOURCES.items() for kind in case.kinds])
def test_rule_files_are_understood_alike(kind, name, ours, theirs, folder):
    case = RULE_SOURCES[name]
    write(folder, {"r": case.text})
    keys = "\n".join(case.keys).encode() + b"\n"
    assert ours.run("postmap", "-q", "-", f"{kind}:r", input=keys) == \
        theirs.run("postmap", "-q", "-", f"{kind}:r", input=keys)


@pytest.mark.parametrize("spec", OPENINGS)
def test_openings_and_single_lookups_agree(spec, ours, theirs):
    assert ours.run("postmap", "-q", "a", spec) == theirs.run("postmap", "-q", "a", spec)


@pytest.mark.parametrize("kind", FILE_TYPES)
@pytest.mark.parametrize("name", ALIASES)
def test_alias_databases_are_built_alike(kind, name, ours, theirs, folder):
    write(folder, {"al": ALIASES[name]})
    found = []
    for builder in (ours, theirs):
        built = builder.run("postalias", f"{kind}:al")
        if kind == "cdb":
            keys = b"root\npostmaster\nquoted name\n@\nYP_MASTER_NAME\n"
            found.append((built, ours.run("postalias", "-f", "-q", "-", f"{kind}:al", input=keys).output))
        else:
            dump = theirs.run("postalias", "-s", f"{kind}:al").output.splitlines()
            found.append((built, sorted(line for line in dump if not line.startswith(b"YP_LAST_MODIFIED"))))
        for suffix in ("db", "lmdb", "cdb"):
            (folder / f"al.{suffix}").unlink(missing_ok=True)
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ("hash", "btree", "lmdb"))
@pytest.mark.parametrize("first", ("ours", "theirs"))
def test_increments_and_deletions_work_on_each_others_files(kind, first, request, folder):
    tools = [request.getfixturevalue(name) for name in (("ours", "theirs") if first == "ours" else ("theirs", "ours"))]
    write(folder, {"t": "a 1\nb 2\nc 3\n"})
    builder, other = tools
    assert builder.run("postmap", f"{kind}:t").status == 0
    assert other.run("postmap", "-i", f"{kind}:t", input=b"d 4\na 9\n").complaints == \
        [f'warning: {"lmdb:t" if kind == "lmdb" else "t.db"}: duplicate entry: "a"']
    assert other.run("postmap", "-r", "-i", f"{kind}:t", input=b"b 8\n").complaints == []
    assert other.run("postmap", "-w", "-i", f"{kind}:t", input=b"b 7\n").complaints == []
    assert other.run("postmap", "-d", "c", f"{kind}:t").status == 0
    assert other.run("postmap", "-d", "c", f"{kind}:t").status == 1
    for reader in tools:
        assert sorted(reader.run("postmap", "-s", f"{kind}:t").output.splitlines()) == [b"a\t1", b"b\t8", b"d\t4"]


@pytest.mark.parametrize("option", ("-N", "-n", "-f", "-u", "-r", "-w", "-F", "-p", "-o"))
@pytest.mark.parametrize("kind", FILE_TYPES)
def test_options_mean_the_same(option, kind, ours, theirs, folder):
    write(folder, {"t": "A one\nb two\na three\nc one,two\n", "one": "1\n", "two": "2\n", "three": "3\n"})
    found = []
    for builder in (ours, theirs):
        built = builder.run("postmap", option, f"{kind}:t")
        reading = [option] if option in ("-F", "-f") else []
        answers = [reader.run("postmap", *reading, "-q", "-", f"{kind}:t", input=b"a\nA\nb\nc\n") for reader in (ours, theirs)]
        assert answers[0] == answers[1]
        suffix = {"lmdb": "lmdb", "cdb": "cdb"}.get(kind, "db")
        found.append((built, answers[0], (folder / f"t.{suffix}").stat().st_mode))
        (folder / f"t.{suffix}").unlink()
    assert found[0] == found[1]


@pytest.mark.parametrize("mode", (0o600, 0o640, 0o644, 0o444))
def test_new_databases_take_the_read_bits_of_the_source(mode, ours, theirs, folder):
    write(folder, {"t": "a 1\n"})
    (folder / "t").chmod(mode)
    modes = []
    for builder in (ours, theirs):
        assert builder.run("postmap", "hash:t").status == 0
        modes.append((folder / "t.db").stat().st_mode)
        (folder / "t.db").unlink()
    assert modes[0] == modes[1]


@pytest.mark.parametrize("arguments", ["", "-x", "-q a", "-q a -d b t", "-q a -s t", "-q - -q - t", "-d x none", "-s none",
                                       "none", "-h t", "-b -q a t", "-s static:x", "-d a static:x", "texthash:t", "regexp:t",
                                       "proxy:hash:t", "pcre:t", "-s regexp:none", "-s inline:{a=b}", "-s fail:x",
                                       "-d a fail:x", "-s environ:x", "-d nokey t", "-q nokey t", "fail:t"])
def test_mistakes_are_answered_alike(arguments, ours, theirs, folder):
    write(folder, {"t": "a 1\nb 2\n"})
    assert theirs.run("postmap", "hash:t").status == 0
    answers = [tool.run("postmap", *arguments.split()) for tool in (ours, theirs)]
    for answer in answers:                   # the usage line lists our further options too
        answer.complaints = ["usage" if "usage: postmap" in line else line for line in answer.complaints]
    assert answers[0] == answers[1]


MESSAGE = b"""From: a@b
Subject: one
 two
Content-Type: multipart/mixed; boundary=x

preamble
--x
Content-Type: text/plain

body one
--x
Content-Type: message/rfc822

Subject: inner

inner body
--x--
epilogue
"""


@pytest.mark.parametrize("options", ("-h", "-b", "-hm", "-bm", "-hbm", "-hb"))
def test_header_and_body_queries_agree(options, ours, theirs, folder):
    write(folder, {"r": "/./ [all]\n"})
    assert ours.run("postmap", options, "-q", "-", "regexp:r", input=MESSAGE) == \
        theirs.run("postmap", options, "-q", "-", "regexp:r", input=MESSAGE)
