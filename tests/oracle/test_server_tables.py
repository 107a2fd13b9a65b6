"""Tables that live in servers, beside Debian's postmap: the same .cf files, the same answers, the same complaints."""
import re
import socket
import sqlite3

import pytest

from harness.certificates import Authority
from harness.key_server import KeyServer, Raw
from harness.mariadb import MariaDb
from harness.memcached import Memcached
from harness.ports import free_port
from harness.postgres import Postgres
from harness.slapd import Slapd
from harness.suite import Suite
from server_cases import KEYS, LDAP, LDAP_SESSIONS, PROXIED, PROXIED_FILES, PROXIED_KEYS, SCHEMA, SOCKETMAP, SQL, TCP
from table_tool import write


@pytest.fixture(scope="module")
def mysql(module_folder):
    server = MariaDb(module_folder / "mariadb", "--character-set-server=utf8mb4").start()
    server.sql("CREATE DATABASE mail; CREATE USER mail@'%' IDENTIFIED BY 'Pass=word 1'; GRANT ALL ON mail.* TO mail@'%'; USE mail;" + SCHEMA)
    yield {"hosts": f"inet:127.0.0.1:{server.port}", "user": "mail", "password": "Pass=word 1", "dbname": "mail"}
    server.stop()


@pytest.fixture(scope="module")
def pgsql(module_folder):
    server = Postgres(module_folder / "pg").start()
    server.sql(SCHEMA)
    yield {"hosts": f"127.0.0.1:{server.port}", "user": "postgres", "password": "", "dbname": "postgres"}
    server.stop()


@pytest.fixture(scope="module")
def sqlite(module_folder):
    path = module_folder / "mail.sqlite"
    with sqlite3.connect(path) as database:
        database.executescript(SCHEMA)
    database.close()
    return {"dbpath": path}


@pytest.fixture(scope="module")
def authority(module_folder):
    return Authority(module_folder / "ca")


@pytest.fixture(scope="module")
def slapd(module_folder, authority):
    server = Slapd(module_folder / "slapd", authority, authority.issue("server", "IP:127.0.0.1")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def ldap(slapd):
    return slapd.settings


@pytest.fixture(scope="module")
def memcache():
    server = Memcached()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for key, value in (("t:alice@example.com", "one"), ("t:example.com", "domain"), ("t:two", "two words"), ("t:empty", ""),
                           ("bob", "bare")):
            connection.sendall(f"set {key} 0 0 {len(value)}\r\n{value}\r\n".encode())
            assert connection.recv(100) == b"STORED\r\n"
    yield {"memcache": f"inet:127.0.0.1:{server.port}"}
    server.stop()


def settings_file(folder, settings):
    write(folder, {"t.cf": "".join(f"{name} = {value}\n" for name, value in settings.items())})


def plain(complaint):
    """Without what says nothing: the reference shows the text of whatever errno it was left with behind "query error", and both
    make one line of libraries' texts, each in its way. What ends its program is a failed lookup of ours."""
    complaint = re.sub(r"^fatal: dict_sqlite_lookup: (\S+): (SQL .*)", r"warning: sqlite:\1: \2", complaint)
    complaint = re.sub(r"(fatal: table \S+: query error).*", r"\1", complaint)
    complaint = complaint.replace("exceeded for key '", "exceeded for key: '")      # of sqlite only
    return re.sub(r"[?\s]+", " ", complaint).strip()


def comparable(answer):
    complaints = {plain(complaint) for complaint in answer.complaints}
    if any(complaint.startswith("warning: sqlite:") for complaint in complaints):
        complaints = {complaint for complaint in complaints if not complaint.startswith("fatal: table sqlite:")}
    return answer.status, answer.output.decode().splitlines(), sorted(complaints)


def agree(tools, spec, keys):
    """All keys in one run; an error ends it, and the reference loses the answers before it."""
    text = "".join(f"{key}\n" for key in keys).encode()
    mine, theirs = (comparable(tool.run("postmap", "-q", "-", spec, input=text)) for tool in tools)
    assert mine == theirs


@pytest.mark.parametrize("kind, case", [pytest.param(kind, case, id=f"{kind}-{case.name}") for case in [*SQL, *LDAP] for kind in case.kinds])
def test_lookups_agree(kind, case, request, ours, theirs, folder):
    keys = [key for key in case.keys if kind != "pgsql" or key.isascii()]               # others: docs/differences.md
    settings_file(folder, {**request.getfixturevalue(kind), **case.settings})
    agree((ours, theirs), f"{kind}:{folder}/t.cf", keys)


@pytest.fixture(scope="module")
def own(authority):
    return authority.issue("client")


@pytest.mark.parametrize("settings", LDAP_SESSIONS.values(), ids=LDAP_SESSIONS)
def test_ldap_sessions_agree(settings, slapd, authority, own, ours, theirs, folder):
    texts = {"local": slapd.local, "encrypted": slapd.encrypted, "ca": authority.file, "own": own}
    settings_file(folder, {**slapd.settings, **{name: value.format(**texts) for name, value in settings.items()}})
    agree((ours, theirs), f"ldap:{folder}/t.cf", ["alice", "nobody"])


@pytest.mark.parametrize("settings", [{"key_format": "t:%s"}, {}, {"key_format": "t:%d"}, {"key_format": "%u"}, {"key_format": "t:%s", "domain": "example.com"},
                                      {"key_format": "t:%s", "backup": "inline:{{none@example.com=backup}}"}],
                         ids=("prefix", "plain", "domain part", "local part", "domains", "backup"))
def test_memcache_lookups_agree(settings, memcache, ours, theirs, folder):
    settings_file(folder, {**memcache, **settings})
    keys = [key for key in [*KEYS, "two", "bob", "empty", "a b"] if len(key) < 250]     # longer ones: docs/differences.md
    agree((ours, theirs), f"memcache:{folder}/t.cf", keys)


@pytest.fixture
def key_server():
    servers = []

    def start(protocol, replies):
        servers.append(KeyServer(protocol, {key: Raw(reply) for key, reply in replies.items()}))
        return servers[-1].spec()

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("protocol, key, reply", [("tcp", *item) for item in TCP.items()] + [("socketmap", *item) for item in SOCKETMAP.items()])
def test_replies_are_understood_alike(protocol, key, reply, key_server, ours, theirs):
    agree((ours, theirs), key_server(protocol, {key: reply}), [key, "other", key.upper()])


@pytest.mark.parametrize("kind, settings", [
    ("mysql", {"hosts": "127.0.0.1:{port}", "dbname": "x", "query": "SELECT 1"}),
    ("pgsql", {"hosts": "127.0.0.1:{port}", "dbname": "x", "query": "SELECT 1"}),
    ("ldap", {"server_host": "ldap://127.0.0.1:{port}", "search_base": "dc=test"}),
    ("memcache", {"memcache": "inet:127.0.0.1:{port}", "max_try": "1"})])
def test_servers_that_are_not_there(kind, settings, ours, theirs, folder):
    port = free_port()
    settings_file(folder, {name: value.format(port=port) for name, value in settings.items()})
    agree((ours, theirs), f"{kind}:{folder}/t.cf", ["a"])


@pytest.mark.parametrize("kind", ("mysql", "pgsql", "sqlite", "ldap", "memcache"))
def test_files_that_are_not_there(kind, ours, theirs, folder):
    agree((ours, theirs), f"{kind}:{folder}/none.cf", ["a"])


@pytest.fixture
def proxymaps(make_instance):
    """An instance of each suite that serves the same tables; tools that ask it."""
    return [make_instance(suite.name, suite=suite) for suite in (Suite.posthouse(), Suite.reference())]


def asked(instance, spec, keys):
    done = instance.run("postmap", "-q", "-", f"proxy:{spec}", input="".join(f"{key}\n" for key in keys).encode(), check=False)
    return done.returncode, [plain(line).replace(str(instance.config), "DIR") for line in done.stdout.splitlines()]


@pytest.mark.needs_root("the reference")
def test_proxied_lookups_agree(proxymaps):
    found = []
    for instance in proxymaps:
        instance.allowed_trouble.append(r"postmap\[\d+\]: fatal: ")
        specs = []
        for kind in PROXIED_FILES:
            specs.append(f"{kind}:{instance.config}/{kind}")
            write(instance.config, {kind: PROXIED_FILES[kind]})
            if kind in ("hash", "btree", "lmdb", "cdb"):
                instance.run("postmap", specs[-1])
        specs += PROXIED
        maps = ", ".join(spec if spec.startswith("proxy:") else "{proxy:" + spec + "}" for spec in specs)
        instance.start(proxy_read_maps=maps)
        # Tables made of others do not fold keys over there: docs/differences.md.
        lower = [key for key in PROXIED_KEYS if key == key.lower()]
        found.append([(spec.replace(str(instance.config), "DIR"), asked(instance, spec, lower if spec in PROXIED else PROXIED_KEYS))
                      for spec in specs])
    for mine, theirs in zip(*found):
        assert mine == theirs
