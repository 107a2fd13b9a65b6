"""Tables that live in servers: MariaDB, PostgreSQL, SQLite, Redis, memcached, and servers that misbehave."""
import contextlib
import json
import socket
import sqlite3
import threading
import time

import pytest

from harness.memcached import Memcached
from harness.ports import free_port
from harness.postgres import Postgres
from harness.redis import Redis
from harness.waiting import wait_for

pytestmark = pytest.mark.posthouse_only("settings of our own; the common ones are in oracle/test_tables.py")

# The schema of postfixadmin, as far as mail hosts ask it.
POSTFIXADMIN = """
CREATE DATABASE postfix CHARACTER SET utf8mb4;
USE postfix;
CREATE TABLE domain (domain VARCHAR(255) NOT NULL PRIMARY KEY, backupmx TINYINT NOT NULL DEFAULT 0,
                     active TINYINT NOT NULL DEFAULT 1, transport VARCHAR(255));
CREATE TABLE alias (address VARCHAR(255) NOT NULL PRIMARY KEY, goto TEXT NOT NULL, domain VARCHAR(255) NOT NULL,
                    active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE alias_domain (alias_domain VARCHAR(255) NOT NULL PRIMARY KEY, target_domain VARCHAR(255) NOT NULL,
                           active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE mailbox (username VARCHAR(255) NOT NULL PRIMARY KEY, maildir VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL,
                      quota BIGINT, active TINYINT NOT NULL DEFAULT 1);
INSERT INTO domain (domain) VALUES ('example.com'), ('example.net');
INSERT INTO domain VALUES ('backup.test', 1, 1, NULL), ('off.test', 0, 0, NULL);
INSERT INTO alias VALUES ('sales@example.com', 'alice@example.com,bob@example.com', 'example.com', 1),
  ('o''brien@example.com', 'obrien', 'example.com', 1), ('empty@example.com', '', 'example.com', 1),
  ('gone@example.com', 'nobody', 'example.com', 0);
INSERT INTO alias_domain VALUES ('alias.test', 'example.com', 1);
INSERT INTO mailbox VALUES ('alice@example.com', 'example.com/alice/', 'example.com', NULL, 1),
  ('bob@example.com', 'example.com/bob/', 'example.com', 1000, 1);
CREATE TABLE `domains` (`domain` VARCHAR(255) NOT NULL, `relay_host` VARCHAR(512) NOT NULL,
  `relay_port` INT(5) UNSIGNED NOT NULL, `enable_virus_spam_scan` VARCHAR(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (`domain`)) ENGINE MyISAM DEFAULT CHARSET=latin1;
INSERT INTO domains (domain, relay_host, relay_port) VALUES ('friet.pan', 'mail.friet.pan', 25);
CREATE TABLE many (k VARCHAR(20), v VARCHAR(20));
INSERT INTO many VALUES ('m', 'one'), ('m', NULL), ('m', ''), ('m', 'two'), ('m', 'three');
CREATE TABLE secret (k VARCHAR(20), v VARCHAR(20));
INSERT INTO secret VALUES ('x', 'leaked');
CREATE USER 'mail'@'%' IDENTIFIED BY 'Pass=word 1';
GRANT ALL PRIVILEGES ON postfix.* TO 'mail'@'%';
FLUSH PRIVILEGES;
"""


@pytest.fixture
def mysql(tables, mariadb):
    mariadb.sql(POSTFIXADMIN)
    mariadb.settings = {"hosts": f"inet:127.0.0.1:{mariadb.port}", "user": "mail", "password": "Pass=word 1", "dbname": "postfix"}
    return mariadb


def test_postfixadmin_maps(tables, mysql):
    aliases = tables.file("alias.cf", "mysql", **mysql.settings,
                          query="SELECT goto FROM alias WHERE address='%s' AND active = '1'")
    assert tables.ask(aliases, "sales@example.com", "o'brien@example.com", "gone@example.com", "no@example.com")[1] == {
        "sales@example.com": "alice@example.com,bob@example.com", "o'brien@example.com": "obrien"}
    by_domain = tables.file("alias_domain.cf", "mysql", **mysql.settings,
                            query="SELECT goto FROM alias,alias_domain WHERE alias_domain.alias_domain = '%d' and alias.address ="
                                  " CONCAT('%u', '@', alias_domain.target_domain) AND alias.active = 1")
    assert tables.ask(by_domain, "sales@alias.test", "sales@other.test", "sales", "@alias.test")[1] == {
        "sales@alias.test": "alice@example.com,bob@example.com"}
    mailboxes = tables.file("mailbox.cf", "mysql", **mysql.settings, domain="example.com example.net",
                            query="SELECT maildir FROM mailbox WHERE username='%s' AND active = '1'", result_format="/mail/%s")
    assert tables.ask(mailboxes, "alice@example.com", "alice@other.test", "example.com")[1] == {
        "alice@example.com": "/mail/example.com/alice/"}


def test_the_relay_maps_of_scenario_004(tables, mysql):
    settings = mysql.settings
    domains = tables.file("relay.cf", "mysql", **settings, query="SELECT domain FROM domains WHERE domain = '%s'")
    transport = tables.file("transport.cf", "mysql", **settings, query="SELECT CONCAT('smtp:[', relay_host , ']:', relay_port) "
                            "FROM domains WHERE domain = '%s'")
    assert tables.ask(domains, "friet.pan", "other.pan")[1] == {"friet.pan": "friet.pan"}
    assert tables.ask(transport, "friet.pan")[1] == {"friet.pan": "smtp:[mail.friet.pan]:25"}


def test_the_obsolete_query_form(tables, mysql):
    old = tables.file("old.cf", "mysql", **mysql.settings, select_field="goto", table="alias", where_field="address",
                      additional_conditions="and active = 1")
    assert tables.ask(old, "sales@example.com", "gone@example.com")[1] == {"sales@example.com": "alice@example.com,bob@example.com"}
    mysql_in_main = {f"old_{key}": value for key, value in mysql.settings.items()}
    tables.mta.configure(**mysql_in_main, old_select_field="goto", old_table="alias", old_where_field="address")
    assert tables.ask("mysql:old", "gone@example.com")[1] == {"gone@example.com": "nobody"}


def test_rows_nulls_and_limits(tables, mysql):
    many = tables.file("many.cf", "mysql", **mysql.settings, query="SELECT v FROM many WHERE k = '%s'", result_format="<%s>")
    assert tables.ask(many, "m")[1] == {"m": "<one>,<two>,<three>"}
    limited = tables.file("limited.cf", "mysql", **mysql.settings, query="SELECT v FROM many WHERE k = '%s'", expansion_limit=2)
    status, answers, complaints = tables.ask(limited, "m")
    assert status == 1 and not answers and any("xpansion limit" in line for line in complaints)
    empty = tables.file("empty.cf", "mysql", **mysql.settings, query="SELECT goto FROM alias WHERE address = '%s'")
    assert tables.ask(empty, "empty@example.com")[:2] == (1, {})
    columns = tables.file("columns.cf", "mysql", **mysql.settings, query="SELECT username, maildir FROM mailbox WHERE username = '%s'")
    assert tables.ask(columns, "bob@example.com")[1] == {"bob@example.com": "bob@example.com,example.com/bob/"}


def test_procedures_and_their_results(tables, mysql):
    mysql.sql("""DELIMITER //
    CREATE PROCEDURE one(IN k VARCHAR(99)) BEGIN SELECT goto FROM alias WHERE address = k AND active = 1; END//
    CREATE PROCEDURE two(IN k VARCHAR(99)) BEGIN SELECT 'x'; SELECT 'y'; END//
    CREATE PROCEDURE none(IN k VARCHAR(99)) BEGIN IF k = 'sales@example.com' THEN SELECT 'found'; END IF; END//""", "postfix")
    one = tables.file("one.cf", "mysql", **mysql.settings, query="CALL one('%s')")
    assert tables.ask(one, "sales@example.com", "none@x", "sales@example.com")[1] == {"sales@example.com": "alice@example.com,bob@example.com"}
    tables.fails(tables.file("two.cf", "mysql", **mysql.settings, query="CALL two('%s')"), "sales@example.com", "several result sets")
    strict = tables.file("strict.cf", "mysql", **mysql.settings, query="CALL none('%s')")
    tables.fails(strict, "none@x", "no result set")
    lax = tables.file("lax.cf", "mysql", **mysql.settings, query="CALL none('%s')", require_result_set="no")
    assert tables.ask(lax, "none@x", "sales@example.com")[1] == {"sales@example.com": "found"}


HOSTILE = ["' OR '1'='1", "x' UNION SELECT v FROM secret -- ", "x'; DROP TABLE alias; -- ", "\\' OR 1=1 -- ", "x\\", "'", "''", '"',
           "%s", "%", "a@b' OR ''='", "\u00bf' OR 1=1 -- ", "\u00e9\u0027 OR 1=1#", "x" * 10240, "/*", "#", "\x1a", "a\tb'"]


@pytest.mark.parametrize("part", ("%s", "%u"))
def test_keys_cannot_leave_their_quotes(part, tables, mysql):
    for charset in ("", "latin1", "gbk", "utf8mb4"):
        settings = dict(mysql.settings, **({"charset": charset} if charset else {}))
        spec = tables.file("inject.cf", "mysql", **settings, query=f"SELECT goto FROM alias WHERE address='{part}' AND active = '1'")
        assert tables.ask(spec, *HOSTILE, *(text + "@example.com" for text in HOSTILE))[1] == {}
        assert tables.ask_one(spec, "sales@example.com\n' OR 1=1 -- ")[:2] == (1, "")
    assert mysql.sql("SELECT COUNT(*) FROM alias", "postfix").strip() == "4"


def test_wrong_credentials_and_queries_are_errors(tables, mysql):
    wrong = tables.file("wrong.cf", "mysql", **dict(mysql.settings, password="no"), query="SELECT 1")
    status, answers, complaints = tables.ask(wrong, "a")
    assert status == 1 and not answers and any("Access denied" in line for line in complaints)
    syntax = tables.file("syntax.cf", "mysql", **mysql.settings, query="SELEKT '%s'")
    status, answers, complaints = tables.ask(syntax, "a")
    assert status == 1 and not answers and any("error in your SQL syntax" in line for line in complaints)
    template = tables.file("template.cf", "mysql", **mysql.settings, query="SELECT '%x'")
    assert any("Invalid query template" in line for line in tables.ask(template, "a")[2])


def test_another_host_answers_when_one_is_down(tables, mysql):
    hosts = f"127.0.0.1:{free_port()} unix:{mysql.folder}/none.sock 127.0.0.1:{mysql.port} unix:{mysql.socket}"
    spec = tables.file("hosts.cf", "mysql", **dict(mysql.settings, hosts=hosts), query="SELECT goto FROM alias WHERE address='%s'")
    assert tables.ask(spec, "sales@example.com")[1] == {"sales@example.com": "alice@example.com,bob@example.com"}


def test_a_server_that_is_down_or_hangs_is_an_error_in_bounded_time(tables, mysql):
    spec = tables.file("a.cf", "mysql", **mysql.settings, timeout=2, query="SELECT goto FROM alias WHERE address='%s'")
    mysql.hang()
    try:
        begun = time.monotonic()
        status, answers, complaints = tables.ask(spec, "sales@example.com")
        assert status == 1 and not answers and any("query error" in line for line in complaints), complaints
        assert time.monotonic() - begun < 50
    finally:
        mysql.resume()
    assert tables.ask(spec, "sales@example.com")[0] == 0
    mysql.stop()
    status, answers, complaints = tables.ask(spec, "sales@example.com")
    assert status == 1 and not answers and any("query error" in line for line in complaints)


def test_an_unused_connection_is_closed(mta, tables, mysql):
    query = "SELECT CONCAT('REJECT ', CONNECTION_ID()) FROM domain WHERE domain = 'example.com'"
    spec = tables.file("idle.cf", "mysql", **mysql.settings, query=query, idle_interval=1)
    kept = tables.file("kept.cf", "mysql", **mysql.settings, query=query)
    ports = [mta.smtpd_service(None, f"smtpd_sender_restrictions=check_sender_access {table}") for table in (spec, kept)]
    mta.start()

    def connection(port):
        """Whose answer it was, by the server's number."""
        with mta.peer(port) as peer:
            return int(peer.ask("alice@virt.test", "any@client.test").text.rsplit(" ", 1)[1])

    def connections():
        return {int(number) for number in mysql.sql("SELECT ID FROM information_schema.processlist WHERE USER = 'mail'").split()}

    first, lasting = [connection(port) for port in ports]
    wait_for(lambda: first not in connections(), "the unused connection is closed")
    assert lasting in connections()
    assert connection(ports[0]) != first


# --- several servers ----------------------------------------------------------------------------------------

class Broken:
    """Takes connections, counts them, and says nothing; `hangs` false: closes them."""

    def __init__(self, hangs, unix=None):
        self.taken = []
        self.hangs = hangs
        self.listener = socket.socket(socket.AF_UNIX) if unix else socket.create_server(("127.0.0.1", 0))
        if unix:
            self.listener.bind(str(unix))
            self.listener.listen()
            unix.chmod(0o777)
        else:
            self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.taken.append(connection)
                if not self.hangs:
                    connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.taken:
            connection.close()


def test_another_host_answers_when_one_hangs(tables, mysql):
    with Broken(hangs=True, unix=mysql.folder / "hangs.sock") as broken:
        hosts = f"unix:{mysql.folder}/hangs.sock 127.0.0.1:{mysql.port}"     # sockets of the file system come first
        spec = tables.file("hangs.cf", "mysql", **dict(mysql.settings, hosts=hosts), timeout=1, query="SELECT goto FROM alias WHERE address='%s'")
        assert tables.ask(spec, "sales@example.com", "o'brien@example.com")[1] == {
            "sales@example.com": "alice@example.com,bob@example.com", "o'brien@example.com": "obrien"}
        assert len(broken.taken) == 1


@pytest.mark.parametrize("kind", ("mysql", "redis"))
def test_a_server_that_failed_is_tried_again_after_a_while(kind, mta, tables, folder, request):
    path = folder / "sockets"
    path.mkdir()
    path.chmod(0o777)
    if kind == "mysql":
        server = request.getfixturevalue("mysql")
        settings = dict(server.settings, query="SELECT CONCAT('REJECT ', goto) FROM alias WHERE address='%s'", idle_interval=1)
    else:
        server = request.getfixturevalue("redis")
        server.cli("set", "o'brien@example.com", "REJECT obrien")
        settings = dict(server.settings)
    names = {"soon": 1, "never": 3600}
    ports = {}
    for name, interval in names.items():
        settings.update(hosts=f"unix:{path / name} 127.0.0.1:{server.port}", retry_interval=interval)
        spec = tables.file(f"{name}.cf", kind, **settings)
        ports[name] = mta.smtpd_service(None, f"smtpd_sender_restrictions=check_sender_access {spec}")
        mta.service(f"127.0.0.1:{ports[name]}", "inet", maxproc=1)
    mta.start()
    with Broken(hangs=False, unix=path / "soon") as soon, Broken(hangs=False, unix=path / "never") as never:
        def asked_again():
            for port in ports.values():
                with mta.peer(port) as peer:
                    assert peer.ask("alice@virt.test", "o'brien@example.com").text.endswith(" obrien")
            return len(soon.taken) >= 3

        wait_for(asked_again, "the server that failed is asked again", interval=1.5)     # longer than idle_interval
        assert len(never.taken) == 1


def test_options_from_a_file(tables, mysql):
    (tables.mta.config / "my.cnf").write_text(f"[client]\nuser=mail\npassword=\"Pass=word 1\"\n[special]\ndatabase=postfix\nport={mysql.port}\n")
    spec = tables.file("opt.cf", "mysql", hosts="127.0.0.1", option_file=tables.mta.config / "my.cnf", option_group="special",
                       query="SELECT goto FROM alias WHERE address='%s'")
    assert tables.ask(spec, "o'brien@example.com")[1] == {"o'brien@example.com": "obrien"}


# --- the same through proxymap ----------------------------------------------------------------------------

def test_proxymap_shares_a_handful_of_connections(mta, tables, mysql):
    spec = tables.file("a.cf", "mysql", **mysql.settings, query="SELECT goto FROM alias WHERE address='%s'")
    other = tables.file("b.cf", "mysql", **mysql.settings, query="SELECT goto FROM alias WHERE address='%s'")
    mta.start(virtual_alias_maps=f"proxy:{spec}")
    before = int(mysql.sql("SHOW STATUS LIKE 'Connections'").split()[1])
    askers = [threading.Thread(target=tables.ask, args=(f"proxy:{spec}", *["sales@example.com", "no@example.com"] * 50)) for _ in range(12)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert tables.ask(f"proxy:{spec}", "sales@example.com")[1] == {"sales@example.com": "alice@example.com,bob@example.com"}
    # The status question itself connects too.
    assert int(mysql.sql("SHOW STATUS LIKE 'Connections'").split()[1]) - before <= 6
    assert tables.ask(f"proxy:{other}", "sales@example.com")[0] == 1
    mta.log.wait(f'warning: request for unapproved table: "{other}"', process="proxymap")
    mta.log.wait(f"to approve this table for read-only access, list proxy:{other} in main.cf:proxy_read_maps", process="proxymap")


def test_proxymap_outlives_its_database(mta, tables, mysql, sink):
    """While it is away answers are temporary; the connections that died with it are not in the way of the next ones."""
    domains = tables.file("d.cf", "mysql", **mysql.settings, query="SELECT domain FROM domains WHERE domain = '%s'", timeout=5)
    mta.start(relay_domains=f"proxy:{domains}", relayhost=sink.nexthop, mynetworks="127.0.0.2/32",
              smtpd_relay_restrictions="reject_unauth_destination")
    assert mta.ask("one@friet.pan").code == 250
    pids = mta.pids("proxymap")
    mysql.stop()
    assert mta.ask("two@friet.pan").text == "451 4.3.0 <two@friet.pan>: Temporary lookup failure"
    mysql.start()
    wait_for(lambda: mta.ask("three@friet.pan").code == 250, lambda: "the database is asked again")
    assert mta.ask("four@other.pan").code == 554
    assert mta.pids("proxymap") == pids


def test_proxywrite_updates_what_is_approved(mta, tables, folder):
    path = mta.data / "shared"
    mta.start(address_verify_map=f"proxy:btree:{path}", proxy_write_maps=f"proxy:btree:{path}")
    done = mta.run("postmap", "-i", f"proxy:btree:{path}", input=b"a 1\nb 2\n")
    assert done.returncode == 0, done.stdout
    assert tables.ask(f"btree:{path}", "a", "b")[1] == {"a": "1", "b": "2"}
    assert mta.run("postmap", "-d", "a", f"proxy:btree:{path}", check=False).returncode == 0
    assert tables.ask(f"btree:{path}", "a", "b")[1] == {"b": "2"}


# --- other servers ------------------------------------------------------------------------------------------

def test_sqlite(tables, folder):
    path = folder / "db.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE alias (address TEXT, goto TEXT)")
        db.executemany("INSERT INTO alias VALUES (?, ?)", [("a@x", "one"), ("o'b@x", "two"), ("n@x", None), ("m@x", "1"), ("m@x", "2")])
    spec = tables.file("s.cf", "sqlite", dbpath=path, query="SELECT goto FROM alias WHERE address='%s'")
    assert tables.ask(spec, "a@x", "o'b@x", "n@x", "m@x", "z@x", *HOSTILE)[1] == {"a@x": "one", "o'b@x": "two", "m@x": "1,2"}
    old = tables.file("old.cf", "sqlite", dbpath=path, select_field="goto", table="alias", where_field="address")
    assert tables.ask(old, "a@x", "z@x")[1] == {"a@x": "one"}
    assert tables.ask_one(spec, "a@x\n' OR 1=1 -- ")[:2] == (1, "")
    busy = tables.file("busy.cf", "sqlite", dbpath=path, query="SELECT goto FROM alias WHERE address='%s'", timeout=1)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        tables.fails(busy, "a@x", "database is locked", "query error")
        writer.execute("ROLLBACK")
    assert tables.ask(busy, "a@x")[1] == {"a@x": "one"}
    missing = tables.file("t.cf", "sqlite", dbpath=folder / "none", query="SELECT 1")
    assert tables.ask(missing, "a")[0] == 1


def test_redis(tables, redis):
    redis.cli("set", "verify:a@x", "one")
    redis.cli("hset", "routes", "x.test", "smtp:[y]")
    redis.cli("sadd", "blocked", "10.0.0.1")
    settings = redis.settings
    plain = tables.file("get.cf", "redis", **settings, key_format="verify:%s", ttl=100)
    assert tables.ask(plain, "a@x", "A@X", "b@x")[1] == {"a@x": "one", "A@X": "one"}
    hashed = tables.file("hash.cf", "redis", **settings, command="hash", hash="routes")
    assert tables.ask(hashed, "x.test", "z.test")[1] == {"x.test": "smtp:[y]"}
    members = tables.file("set.cf", "redis", **settings, command="set", hash="blocked", set_value="REJECT")
    assert tables.ask(members, "10.0.0.1", "10.0.0.2")[1] == {"10.0.0.1": "REJECT"}
    assert tables.mta.run("postmap", "-i", plain, input=b"n@x new value\n").returncode == 0
    assert redis.cli("get", "verify:n@x") == "new value" and 0 < int(redis.cli("ttl", "verify:n@x")) <= 100
    assert sorted(tables.mta.run("postmap", "-s", plain).stdout.splitlines()) == ["a@x\tone", "n@x\tnew value"]
    assert tables.mta.run("postmap", "-d", "a@x", plain).returncode == 0
    assert redis.cli("exists", "verify:a@x") == "0"
    assert tables.ask_one(plain, "n@x\nx")[:2] == (1, "")
    for wrong in (dict(settings, password="no"), dict(settings, hosts=f"127.0.0.1:{free_port()}")):
        spec = tables.file("wrong.cf", "redis", **wrong)
        status, answers, complaints = tables.ask(spec, "a@x")
        assert status == 1 and not answers and any("query error" in line for line in complaints)
    redis.hang()
    begun = time.monotonic()
    assert tables.ask(tables.file("slow.cf", "redis", **settings, timeout=2), "a@x")[0] == 1
    assert time.monotonic() - begun < 50


def test_redis_hashes_and_sets_are_written_and_walked(tables, redis):
    settings = {"hosts": f"127.0.0.1:{redis.port}", "password": "secret"}
    hashed = tables.file("hash.cf", "redis", **settings, command="hash", hash="routes")
    tables.mta.run("postmap", "-i", hashed, input=b"x.test smtp:[y]\nz.test smtp:[w]\n")
    assert redis.cli("hget", "routes", "x.test") == "smtp:[y]"
    assert sorted(tables.mta.run("postmap", "-s", hashed).stdout.splitlines()) == ["x.test\tsmtp:[y]", "z.test\tsmtp:[w]"]
    assert [tables.mta.run("postmap", "-d", "x.test", hashed, check=False).returncode for _ in range(2)] == [0, 1]
    assert redis.cli("hkeys", "routes") == "z.test"
    members = tables.file("set.cf", "redis", **settings, command="set", hash="blocked", set_value="REJECT")
    tables.mta.run("postmap", "-i", members, input=b"10.0.0.1 any\n10.0.0.2 any\n")
    assert redis.cli("scard", "blocked") == "2"
    assert sorted(tables.mta.run("postmap", "-s", members).stdout.splitlines()) == ["10.0.0.1\tREJECT", "10.0.0.2\tREJECT"]
    assert [tables.mta.run("postmap", "-d", "10.0.0.1", members, check=False).returncode for _ in range(2)] == [0, 1]
    assert redis.cli("smembers", "blocked") == "10.0.0.2"
    by_domain = tables.file("parts.cf", "redis", **settings, command="hash", hash="users:%d", key_format="%u")
    tables.mta.run("postmap", "-i", by_domain, input=b"alice@x.test one\n")
    assert redis.cli("hget", "users:x.test", "alice") == "one" and tables.ask(by_domain, "alice@x.test")[1] == {"alice@x.test": "one"}
    walk = tables.mta.run("postmap", "-s", by_domain, check=False)
    assert walk.returncode == 1 and "operation is not supported" in walk.stdout


def test_redis_servers_and_databases(tables, redis, folder):
    redis.cli("set", "a@x", "one")
    redis.cli("-n", "3", "set", "a@x", "three")
    usual = dict(redis.settings)
    third = tables.file("third.cf", "redis", **usual, database=3)
    assert tables.ask(third, "a@x")[1] == {"a@x": "three"}
    assert tables.ask(tables.file("first.cf", "redis", **usual), "a@x")[1] == {"a@x": "one"}
    tables.fails(tables.file("none.cf", "redis", **usual, database=16), "a@x", "SELECT failed", "query error")
    down = dict(usual, hosts=f"unix:{folder}/none.sock 127.0.0.1:{free_port()} 127.0.0.1:{redis.port}")
    assert tables.ask(tables.file("several.cf", "redis", **down, database=3), "a@x", "b@x")[1] == {"a@x": "three"}
    with Broken(hangs=True, unix=folder / "hangs.sock") as broken:
        hanging = dict(usual, hosts=f"127.0.0.1:{redis.port} unix:{folder}/hangs.sock", timeout=1)
        assert tables.ask(tables.file("hanging.cf", "redis", **hanging), "a@x", "b@x")[1] == {"a@x": "one"}
        assert len(broken.taken) == 1
    other = Redis(folder, "--unixsocket", folder / "redis.sock")
    try:
        other.cli("set", "a@x", "by the socket")
        both = dict(usual, hosts=f"127.0.0.1:{redis.port} unix:{folder}/redis.sock")
        assert tables.ask(tables.file("unix.cf", "redis", **both), "a@x")[1] == {"a@x": "by the socket"}
    finally:
        other.stop()


def test_memcache_with_a_backup(tables, memcached):
    backup = tables.mta.config / "backup"
    backup.write_text("a@x one\n")
    tables.mta.run("postmap", f"btree:{backup}")
    settings = {"memcache": f"inet:127.0.0.1:{memcached.port}", "key_format": "test:%s"}
    cached = tables.file("m.cf", "memcache", **settings, backup=f"btree:{backup}")
    alone = tables.file("n.cf", "memcache", **settings)
    assert tables.ask(alone, "a@x")[0] == 1
    assert tables.ask(cached, "a@x", "b@x", "bad key", "x" * 300)[1] == {"a@x": "one"}
    assert tables.ask(alone, "a@x")[1] == {"a@x": "one"}     # the answer of the backup is kept
    assert tables.mta.run("postmap", "-i", cached, input=b"c@x three\n").returncode == 0
    assert tables.ask(alone, "c@x")[1] == {"c@x": "three"}
    assert tables.mta.run("postmap", "-d", "c@x", cached).returncode == 0
    assert tables.ask(alone, "c@x")[0] == 1 and tables.ask(f"btree:{backup}", "c@x")[0] == 1
    assert tables.mta.run("postmap", "-s", cached).stdout == "a@x\tone\n"


@pytest.fixture
def postgres(folder):
    server = Postgres(folder / "pg").start()
    yield server
    server.stop()


def test_postgres(tables, postgres):
    postgres.sql("CREATE TABLE alias (address TEXT, goto TEXT); INSERT INTO alias VALUES ('a@x', 'one'), ('o''b@x', 'two'), "
                 "('n@x', NULL), ('m@x', '1'), ('m@x', '2');"
                 "CREATE FUNCTION f(TEXT) RETURNS TEXT AS $$ SELECT goto FROM alias WHERE address = $1 $$ LANGUAGE SQL;")
    settings = {"hosts": f"127.0.0.1:{postgres.port}", "user": "postgres", "dbname": "postgres"}
    spec = tables.file("p.cf", "pgsql", **settings, query="SELECT goto FROM alias WHERE address='%s'", timeout=3)
    keys = ("a@x", "o'b@x", "n@x", "m@x", "z@x", *HOSTILE)
    assert tables.ask(spec, *keys)[1] == {"a@x": "one", "o'b@x": "two", "m@x": "1,2"}
    function = tables.file("f.cf", "pgsql", **settings, select_function="f")
    assert tables.ask(function, "a@x")[1] == {"a@x": "one"}
    bad = tables.file("b.cf", "pgsql", **settings, query="SELEKT '%s'")
    assert tables.ask(bad, "a@x")[0] == 1
    slow = tables.file("s.cf", "pgsql", **settings, query="SELECT pg_sleep(60)", timeout=2)
    begun = time.monotonic()
    assert tables.ask(slow, "a@x")[0] == 1
    assert time.monotonic() - begun < 50


def test_another_postgres_answers_when_one_hangs(tables, postgres):
    postgres.sql("CREATE TABLE alias (address TEXT, goto TEXT); INSERT INTO alias VALUES ('a@x', 'one'), ('b@x', 'two')")
    with Broken(hangs=True) as broken:
        spec = tables.file("p.cf", "pgsql", hosts=f"127.0.0.1:{broken.port} 127.0.0.1:{postgres.port}", user="postgres", dbname="postgres",
                           query="SELECT goto FROM alias WHERE address='%s'", timeout=1)

        def first_to_be_asked():
            """Each process has an order of its own."""
            assert tables.ask(spec, "a@x", "b@x")[1] == {"a@x": "one", "b@x": "two"}
            return broken.taken

        wait_for(first_to_be_asked, "the server that hangs is asked")


# --- small protocols --------------------------------------------------------------------------------------

def test_postgres_in_other_forms(tables, postgres, folder):
    postgres.sql("CREATE TABLE t (address TEXT, goto TEXT); INSERT INTO t VALUES ('a@x', 'one'), ('ü@x', 'two'), ('b@y', 'three')")
    settings = {"user": "postgres", "dbname": "postgres", "query": "SELECT goto FROM t WHERE address='%s'", "timeout": 3}
    here = f"127.0.0.1:{postgres.port}"
    for number, hosts in enumerate((f"inet:{here}", f"postgresql://postgres@{here}/postgres", f"127.0.0.1:{free_port()} {here}")):
        spec = tables.file(f"{number}.cf", "pgsql", **settings, hosts=hosts)
        assert tables.ask(spec, "a@x", "none@x")[1] == {"a@x": "one"}, hosts
    tables.mta.environment["PGPORT"] = str(postgres.port)      # a socket directory has no place for it
    assert tables.ask(tables.file("unix.cf", "pgsql", **settings, hosts=f"unix:{folder}/pg"), "a@x")[1] == {"a@x": "one"}
    own = tables.file("own.cf", "pgsql", **settings, hosts=here, domain="x", result_format="<%s>")
    assert tables.ask(own, "a@x", "b@y", "a")[1] == {"a@x": "<one>"}
    latin = tables.file("latin.cf", "pgsql", **settings, hosts=here, encoding="LATIN1")
    assert tables.ask(latin, "a@x")[1] == {"a@x": "one"}
    utf8 = tables.file("utf8.cf", "pgsql", **settings, hosts=here)
    assert tables.ask(utf8, "ü@x")[1] == {"ü@x": "two"}
    local = tables.file("u.cf", "pgsql", **dict(settings, query="SELECT goto FROM t WHERE address='%u'"), hosts=here)
    assert tables.ask(local, *(text + "@example.com" for text in HOSTILE))[1] == {}
    assert tables.ask_one(utf8, "a@x\n' OR 1=1 -- ")[:2] == (1, "")
    tables.fails(tables.file("down.cf", "pgsql", **settings, hosts=f"127.0.0.1:{free_port()}"), "a@x", "query error")


@pytest.fixture
def answering():
    """Starts line or netstring servers: answering(function of the request bytes) -> port, or the path `unix`."""
    listeners = []

    def start(answer, unix=None):
        if unix:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(unix))
            listener.listen()
        else:
            listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def talk(connection):
            with connection, contextlib.suppress(ConnectionError):
                while request := connection.recv(65536):
                    reply = answer(request)
                    if reply is None:
                        return
                    connection.sendall(reply)

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return unix or listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


def test_socketmap(tables, answering):
    def answer(request):
        size, rest = request.split(b":", 1)
        assert rest[int(size):] == b","
        name, key = rest[:-1].split(b" ", 1)
        text = {b"a": b"OK one", b"b c": b"OK two words", b"none": b"NOTFOUND ", b"later": b"TEMP busy", b"never": b"PERM no",
                b"odd": b"WHAT"}.get(key, b"NOTFOUND ")
        return b"%d:%s," % (len(text), text) if name == b"map" else None

    spec = f"socketmap:inet:127.0.0.1:{answering(answer)}:map"
    assert tables.ask(spec, "a", "b c", "none")[1] == {"a": "one", "b c": "two words"}
    for key in ("later", "never", "odd"):
        status, answers, complaints = tables.ask(spec, key)
        assert status == 1 and not answers and any("query error" in line for line in complaints), key


def test_tcp(tables, answering):
    def answer(request):
        return {b"get a\n": b"200 one\n", b"get b%20c\n": b"200 two%20words\n", b"get later\n": b"400 busy\n"}.get(request, b"500 no\n")

    spec = f"tcp:127.0.0.1:{answering(answer)}"
    assert tables.ask(spec, "a", "b c", "none")[1] == {"a": "one", "b c": "two words"}
    assert tables.ask(spec, "later")[0] == 1


def test_a_server_that_sends_garbage_is_an_error(tables, answering):
    for spec in (f"socketmap:inet:127.0.0.1:{answering(lambda request: b'99999999999:x,')}:map",
                 f"tcp:127.0.0.1:{answering(lambda request: b'x' * 10000)}",
                 tables.file("r.cf", "redis", hosts=f"127.0.0.1:{answering(lambda request: b'?nonsense')}", timeout=2),
                 tables.file("m.cf", "memcache", memcache=f"127.0.0.1:{answering(lambda request: b'VALUE x y z' + b'w' * 5000)}")):
        status, answers, _ = tables.ask(spec, "a")
        assert status == 1 and not answers, spec


def test_servers_on_sockets_of_the_file_system(tables, answering, folder):
    path = answering(lambda request: b"6:OK one," if b"map a" in request else b"9:NOTFOUND ,", unix=folder / "map")
    assert tables.ask(f"socketmap:unix:{path}:map", "a", "b")[1] == {"a": "one"}
    public = folder / "public"
    public.mkdir()
    public.chmod(0o777)
    memcached = Memcached(unix=public / "memcached")
    try:
        spec = tables.file("m.cf", "memcache", memcache=f"unix:{public}/memcached")
        tables.mta.run("postmap", "-i", spec, input=b"a one\n")
        assert tables.ask(spec, "a", "b")[1] == {"a": "one"}
    finally:
        memcached.stop()


def test_tcp_is_tried_three_times(tables, answering):
    asked = []

    def answer(request):
        asked.append(request)
        return b"200 one\n" if len(asked) == 3 else None

    spec = f"tcp:127.0.0.1:{answering(answer)}"
    assert tables.ask(spec, "a")[1] == {"a": "one"}
    tables.fails(spec, "a", "query error")
    assert asked == [b"get a\n"] * 6


def test_what_memcache_sends_and_how_often(tables, answering, memcached):
    asked = []

    def answer(request):
        asked.append(request)
        return b"STORED\r\n" if request.startswith(b"set ") else None

    fake = {"memcache": f"127.0.0.1:{answering(answer)}"}
    tables.mta.run("postmap", "-i", tables.file("ttl.cf", "memcache", **fake, ttl=77, flags=5), input=b"a one\n")
    assert asked == [b"set a 5 77 3\r\none\r\n"]
    asked.clear()
    tables.fails(tables.file("tries.cf", "memcache", **fake, max_try=3, retry_pause=1), "a", "query error")
    assert asked == [b"get a\r\n"] * 3
    real = {"memcache": f"127.0.0.1:{memcached.port}"}
    small = tables.file("small.cf", "memcache", **real, data_size_limit=10, max_try=1)
    tables.mta.run("postmap", "-i", small, input=b"short 0123456789\nlong 0123456789a\n")
    assert tables.ask(small, "short")[1] == {"short": "0123456789"}
    tables.fails(small, "long", "unexpected reply")
    assert tables.ask(tables.file("large.cf", "memcache", **real), "long")[1] == {"long": "0123456789a"}


def test_memcache_that_is_down_has_its_backup(tables):
    backup = tables.mta.table("backup", "a one\n", "btree")
    spec = tables.file("m.cf", "memcache", memcache=f"127.0.0.1:{free_port()}", backup=backup)
    status, answers, complaints = tables.ask(spec, "a", "b")
    assert answers == {"a": "one"} and any("Connection refused" in line for line in complaints)
    assert tables.ask(spec, "b")[:2] == (1, {})
    tables.mta.run("postmap", "-i", spec, input=b"b two\n")
    assert tables.ask(backup, "b")[1] == {"b": "two"}
    tables.mta.run("postalias", "-i", spec, input=b"c: three\n")
    assert {"b", "c", "YP_LAST_MODIFIED", "YP_MASTER_NAME"} < set(tables.mta.rows(backup))


def test_json(tables):
    path = tables.mta.config / "t.json"
    path.write_text('{"A@x": "one", "list": ["a", "b"], "n": 5, "o": {"p": 1}}')
    status, answers, complaints = tables.ask(f"json:{path}", "a@x", "list", "n", "o")
    assert answers == {"a@x": "one", "list": "a, b", "n": "5"} and len(complaints) == 1
    path.write_text('["a", {"a": "one"}]')
    tables.fails(f"json:{path}", "a", "the file is not one JSON object")
    path.write_text('{"a": ')
    assert any("fatal: json:" in line for line in tables.ask(f"json:{path}", "a")[2])


def test_keys_that_come_twice_in_json(tables):
    """Also where folding makes them equal, or what follows is a list; keys of inner objects are something else."""
    path = tables.mta.config / "t.json"
    tables.mta.configure(smtputf8_enable="yes")
    path.write_text('{"a":"one","a":"two",\n"Up": 1, // a line\n/* and\n two */ "uP": ["x",\n"y"], "o": {"a": "in", "a": "in"},\n'
                    '"b": ["l"],\n"É": "long", "é": "short", "":"empty", "last": "z", "a": {}}\n')
    status, answers, complaints = tables.ask(f"json:{path}", "a", "up", "b", "é", "last")
    assert answers == {"a": "one", "up": "1", "b": "l", "é": "long", "last": "z"}
    told = [(1, 'duplicate entry: "a"'), (4, 'duplicate entry: "uP"'), (5, 'no text, number or list of them, ignored: "o"'),
            (7, 'duplicate entry: "é"'), (7, 'no key that is looked up, ignored: ""'), (7, 'no text, number or list of them, ignored: "a"')]
    assert complaints == [f"postmap: warning: {path}, line {line}: {text}" for line, text in told]


def test_debug_tables_tell_what_they_are_asked(tables):
    spec = tables.mta.table("t", "a one\n", "hash")
    debug = f"debug:{spec}"
    status, answers, told = tables.ask(debug, "a", "b")
    assert (status, answers) == (0, {"a": "one"})
    assert told == [f'postmap: {spec} lookup: "a" = "one"', f'postmap: {spec} lookup: "b" = not found']
    assert tables.ask("debug:fail:x", "a")[2][0] == 'postmap: fail:x lookup: "a" = error: Application error'
    done = tables.mta.run("postmap", "-i", debug, input=b"c three\n")
    assert f'postmap: {spec} update: "c" = "three"' in done.stdout
    assert f'postmap: {spec} delete: "c"' in tables.mta.run("postmap", "-d", "c", debug).stdout
    assert tables.ask(spec, "c")[1] == {}


@pytest.mark.parametrize("command, source", [("postmap", "a one\nb \"two\"\n"), ("postalias", "a: one\nb: \"two\"\n")])
def test_answers_as_json(command, source, tables):
    path = tables.mta.config / "t"
    path.write_text(source)
    tables.mta.run(command, f"hash:{path}")
    asked = tables.mta.run(command, "-j", "-q", "-", f"hash:{path}", input=b"a\nb\nnone\n").stdout.splitlines()
    assert [json.loads(line) for line in asked] == [{"a": "one"}, {"b": '"two"'}]
    assert json.loads(tables.mta.run(command, "-j", "-q", "a", f"hash:{path}").stdout) == {"a": "one"}
    rows = [json.loads(line) for line in tables.mta.run(command, "-j", "-s", f"hash:{path}").stdout.splitlines()]
    assert {"a": "one"} in rows and {"b": '"two"'} in rows


def test_bytes_that_are_not_utf8_are_replaced_in_json(tables):
    path = tables.mta.config / "t"
    path.write_bytes(b"k v\xff\n")
    tables.mta.run("postmap", "-u", f"hash:{path}")
    assert json.loads(tables.mta.run("postmap", "-u", "-j", "-q", "k", f"hash:{path}").stdout) == {"k": "v\ufffd"}
