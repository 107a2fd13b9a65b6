"""postmap and postalias beside Debian's: the same answers, the same warnings, each other's files."""
import os
import shutil
import subprocess
import time

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


@pytest.mark.parametrize("option", ("-N", "-n", "-f", "-u", "-r", "-w", "-p", "-o"))
@pytest.mark.parametrize("kind", ("hash", "lmdb"))
def test_options_of_postalias_mean_the_same(option, kind, ours, theirs, folder):
    write(folder, {"al": "Root: one\nb: two\nroot: three\n\"a b\": four, five\n"})
    found = []
    for builder in (ours, theirs):
        built = builder.run("postalias", option, f"{kind}:al")
        reading = [option] if option in ("-f", "-u") else []
        answers = [reader.run("postalias", *reading, "-q", "-", f"{kind}:al", input=b"root\nRoot\nb\na b\n") for reader in (ours, theirs)]
        assert answers[0] == answers[1]
        suffix = "lmdb" if kind == "lmdb" else "db"
        found.append((built, answers[0], (folder / f"al.{suffix}").stat().st_mode))
        (folder / f"al.{suffix}").unlink()
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ("hash", "btree", "lmdb"))
def test_postalias_increments_and_deletes_alike(kind, ours, theirs, folder):
    found = []
    for tool in (ours, theirs):
        write(folder, {"al": "root: one\nb: two\nc: three\n"})
        steps = [tool.run("postalias", f"{kind}:al"), tool.run("postalias", "-i", f"{kind}:al", input=b"d: four\nroot: again\n"),
                 tool.run("postalias", "-r", "-i", f"{kind}:al", input=b"b: changed\n"), tool.run("postalias", "-d", "c", f"{kind}:al"),
                 tool.run("postalias", "-d", "nobody", f"{kind}:al")]
        for step in steps:                   # the reference finds its own entry for NIS again
            step.complaints = [line for line in step.complaints if not line.endswith(': duplicate entry: "@"')]
        rows = tool.run("postalias", "-s", f"{kind}:al").output.splitlines()
        found.append((steps, sorted(row for row in rows if not row.startswith(b"YP_"))))
        for path in (*folder.glob("al.db"), *folder.glob("al.lmdb")):
            path.unlink()
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ("hash", "btree", "lmdb"))
def test_keys_from_standard_input_are_deleted_alike(kind, ours, theirs, folder):
    write(folder, {"t": "a 1\nb 2\nc 3\nD 4\n"})
    found = []
    for tool in (ours, theirs):
        assert tool.run("postmap", f"{kind}:t").status == 0
        steps = [tool.run("postmap", "-d", "-", f"{kind}:t", input=b"b\nnone\nd\n"), tool.run("postmap", "-d", "-", f"{kind}:t", input=b"none\n")]
        found.append((steps, sorted(tool.run("postmap", "-s", f"{kind}:t").output.splitlines())))
    assert found[0] == found[1]


@pytest.mark.parametrize("databases", ("hash:{0}/one lmdb:{0}/two", "hash:{0}/one, hash:{0}/one", "{0}/one", "hash:{0}/one hash:{0}/none",
                                       "texthash:{0}/one", ""))
def test_newaliases_builds_all_databases_alike(databases, ours, theirs, folder):
    found = []
    write(folder, {"one": "root: a\n", "two": "root: b\n"})
    for tool in (ours, theirs):
        with open(tool.config / "main.cf", "a") as file:
            file.write(f"alias_database = {databases.format(folder)}\n")
        done = tool.newaliases()
        found.append((done, sorted(path.name for path in folder.glob("*.*db"))))
        for path in folder.glob("*.*db"):
            path.unlink()
    assert found[0] == found[1]


@pytest.mark.needs_root("a source of another user")
@pytest.mark.parametrize("mode", (0o600, 0o640, 0o644))
@pytest.mark.parametrize("options", ([], ["-o"], ["-p"], ["-o", "-p"]), ids=" ".join)
@pytest.mark.parametrize("kind", ("hash", "lmdb", "cdb"))
def test_databases_get_the_owner_and_mode_of_their_source_alike(kind, options, mode, ours, theirs, folder):
    home = folder / "home"
    home.mkdir()
    write(home, {"t": "a 1\n"})
    (home / "t").chmod(mode)
    for path in (home, home / "t"):
        shutil.chown(path, "games", "games")
    found = []
    for builder in (ours, theirs):
        done = builder.run("postmap", *options, f"{kind}:{home}/t")
        database = next(path for path in home.glob("t.*"))
        status = database.stat()
        found.append((done.status, done.output, status.st_uid, status.st_gid, oct(status.st_mode)))
        database.unlink()
    assert found[0] == found[1]


# --- the files themselves ---------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", FILE_TYPES)
def test_a_database_that_is_older_than_its_source_is_told_alike(kind, ours, theirs, folder):
    write(folder, {"t": "a 1\n"})
    assert theirs.run("postmap", f"{kind}:t").status == 0
    for path in folder.glob("t.*"):
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    assert agree(ours, theirs, "-q", "a", f"{kind}:t").complaints


@pytest.mark.parametrize("kind, suffix", [("hash", "db"), ("btree", "db"), ("lmdb", "lmdb"), ("cdb", "cdb")])
@pytest.mark.parametrize("content", (b"", b"x" * 5000), ids=("empty", "foreign"))
def test_a_file_that_is_no_database_is_an_error(kind, suffix, content, ours, theirs, folder):
    """Their words are not compared: they are those of the libraries."""
    write(folder, {f"t.{suffix}": content})
    for tool in (ours, theirs):
        answer = tool.run("postmap", "-q", "a", f"{kind}:t")
        assert (answer.status, answer.output) == (1, b""), answer
        assert any("t" in complaint for complaint in answer.complaints) or kind == "cdb", answer


@pytest.mark.parametrize("first, second", (("hash", "btree"), ("btree", "hash")))
def test_a_database_of_the_other_berkeley_type_is_an_error(first, second, ours, theirs, folder):
    write(folder, {"t": "a 1\n"})
    assert theirs.run("postmap", f"{first}:t").status == 0
    answers = [tool.run("postmap", "-q", "a", f"{second}:t") for tool in (ours, theirs)]
    for answer in answers:                   # the library speaks too
        answer.complaints = [line for line in answer.complaints if not line.startswith("BDB")]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("kind", ("hash", "btree"))
@pytest.mark.parametrize("settings", ("db_pagesize=512", "db_lorder=4321", "db_lorder=1234", "db_pagesize=65536"))
def test_berkeley_files_made_elsewhere_are_read(kind, settings, ours, theirs, folder):
    """Other page sizes, the byte order of other machines."""
    rows = {f"key{i}": f"value {i}" for i in range(500)}
    text = "".join(f"{key}\n{value}\n" for key, value in rows.items())
    subprocess.run(["db_load", "-T", "-t", kind, "-c", settings, folder / "t.db"], input=text.encode(), check=True)
    keys = "".join(f"{key}\n" for key in [*rows, "none"]).encode()
    answer = agree(ours, theirs, "-q", "-", f"{kind}:t", input=keys)
    assert len(answer.output.splitlines()) == len(rows)


@pytest.mark.parametrize("kind, suffix", [("hash", "db"), ("btree", "db"), ("lmdb", "lmdb"), ("cdb", "cdb")])
def test_a_link_to_a_database_stays_a_link(kind, suffix, ours, theirs, folder):
    (folder / "elsewhere").mkdir()
    write(folder, {"t": "a 1\n"})
    assert ours.run("postmap", f"{kind}:t").status == 0
    (folder / f"t.{suffix}").rename(folder / "elsewhere/real")
    (folder / f"t.{suffix}").symlink_to("elsewhere/real")
    write(folder, {"t": "a 2\n"})
    assert ours.run("postmap", f"{kind}:t").status == 0
    assert (folder / f"t.{suffix}").is_symlink()
    assert agree(ours, theirs, "-q", "a", f"{kind}:t").output == b"2\n"


@pytest.mark.parametrize("options", (["-i"], []), ids=("increment", "build"))
def test_lmdb_grows_beyond_its_map(options, ours, theirs, folder):
    for tool in (ours, theirs):
        with open(tool.config / "main.cf", "a") as file:
            file.write("lmdb_map_size = 65536\n")
    text = "".join(f"key{i} {'v' * 200}{i}\n" for i in range(3000))
    write(folder, {"t": "" if options else text})
    if options:
        assert ours.run("postmap", "lmdb:t").status == 0
    assert ours.run("postmap", *options, "lmdb:t", input=text.encode()).complaints == []
    assert agree(ours, theirs, "-q", "key2999", "lmdb:t").output.endswith(b"v2999\n")


@pytest.mark.parametrize("setting", ("berkeley_db_create_buffer_size = 65536", "berkeley_db_read_buffer_size = 65536", "default_database_type = lmdb",
                                     "default_database_type = btree", "default_database_type = cdb"))
def test_settings_of_databases_mean_the_same(setting, ours, theirs, folder):
    write(folder, {"t": "".join(f"key{i} value{i}\n" for i in range(5000))})
    found = []
    for tool in (ours, theirs):
        with open(tool.config / "main.cf", "a") as file:
            file.write(setting + "\n")
        done = tool.run("postmap", "t")
        found.append((done, sorted(path.name for path in folder.glob("t*")), tool.run("postmap", "-q", "-", "t", input=b"key0\nkey4999\nx\n")))
        for path in folder.glob("t.*"):
            path.unlink()
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


def agree(ours, theirs, *arguments, **options):
    """Both suites' postmap say the same; what they say."""
    mine = ours.run("postmap", *arguments, **options)
    assert mine == theirs.run("postmap", *arguments, **options)
    return mine


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


@pytest.mark.parametrize("options", ("-h", "-b", "-hU", "-bU"))
def test_bytes_that_are_not_utf8_in_messages(options, ours, theirs, folder):
    write(folder, {"r": "/./ [all]\n"})
    agree(ours, theirs, options, "-q", "-", "regexp:r", input=b"Subject: \xe9t\xe9\nX: ok\n\nbody \xff\nplain\n")
