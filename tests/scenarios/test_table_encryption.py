"""Tables in servers that speak TLS and ask who is there: MariaDB, OpenLDAP, Redis."""
import shutil
import subprocess

import pytest

from harness.certificates import Authority
from harness.mariadb import MariaDb
from harness.ports import free_port
from harness.server import Server
from harness.slapd import Slapd

pytestmark = pytest.mark.posthouse_only("settings of our own; the common ones are in oracle/test_tables.py")


@pytest.fixture
def authority(folder):
    return Authority(folder / "ca")


@pytest.fixture
def stranger(folder):
    """An authority that no server of the test has to do with."""
    return Authority(folder / "other-ca", "stranger")


@pytest.fixture
def certificate(authority):
    return authority.issue("server", "DNS:localhost", "IP:127.0.0.1")


# --- MariaDB ------------------------------------------------------------------------------------------------

CIPHER = "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher' AND '%s' = 'a'"


@pytest.fixture
def mysql(tables, folder, authority, certificate):
    server = MariaDb(folder / "mariadb", f"--ssl-ca={authority.file}", f"--ssl-cert={certificate.file}", f"--ssl-key={certificate.key}")
    server.start().sql("CREATE USER tls@'%' IDENTIFIED BY 'pw' REQUIRE SSL; CREATE USER x509@'%' IDENTIFIED BY 'pw' REQUIRE X509;"
                       "CREATE USER open@'%' IDENTIFIED BY 'pw'; CREATE DATABASE mail; GRANT SELECT ON mail.* TO tls@'%', x509@'%', open@'%'")
    server.settings = {"hosts": f"127.0.0.1:{server.port}", "user": "tls", "password": "pw", "dbname": "mail", "query": CIPHER}
    yield server
    server.stop()


def test_mysql_over_tls(tables, mysql, authority):
    trusted = tables.file("trusted.cf", "mysql", **mysql.settings, tls_CAfile=authority.file, tls_verify_cert="yes")
    assert tables.ask(trusted, "a")[1]["a"].startswith("TLS_")
    path = authority.folder / "hashed"
    path.mkdir()
    shutil.copy(authority.file, path / "ca.pem")
    subprocess.run(["openssl", "rehash", path], check=True, capture_output=True)
    by_path = tables.file("path.cf", "mysql", **mysql.settings, tls_CApath=path, tls_verify_cert="yes")
    assert tables.ask(by_path, "a")[1]["a"].startswith("TLS_")
    named = tables.file("ciphers.cf", "mysql", **mysql.settings, tls_CAfile=authority.file, tls_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    assert tables.ask(named, "a")[0] == 0


def test_mysql_without_the_encryption_that_is_asked_for_is_an_error(tables, mysql, stranger):
    plain = tables.file("plain.cf", "mysql", **mysql.settings)
    tables.fails(plain, "a", f"connect to mysql server 127.0.0.1:{mysql.port}: Access denied for user 'tls'@", "query error")
    wrong = tables.file("wrong.cf", "mysql", **mysql.settings, tls_CAfile=stranger.file, tls_verify_cert="yes")
    tables.fails(wrong, "a", f"connect to mysql server 127.0.0.1:{mysql.port}: TLS/SSL error: ")
    other_name = tables.file("name.cf", "mysql", **dict(mysql.settings, hosts=f"127.0.0.2:{mysql.port}"), tls_CAfile=stranger.file,
                             tls_verify_cert="yes")
    tables.fails(other_name, "a", "query error")


def test_mysql_with_a_client_certificate(tables, mysql, authority):
    own = authority.issue("client")
    settings = dict(mysql.settings, user="x509", tls_CAfile=authority.file)
    tables.fails(tables.file("without.cf", "mysql", **settings), "a", "Access denied for user 'x509'@")
    spec = tables.file("with.cf", "mysql", **settings, tls_cert_file=own.file, tls_key_file=own.key)
    assert tables.ask(spec, "a")[1]["a"].startswith("TLS_")


def test_mysql_with_verification_is_never_plain(tables, folder, authority, mariadb):
    """A server without TLS, or somebody in between who says so."""
    mariadb.sql("CREATE USER open@'%' IDENTIFIED BY 'pw'")
    settings = {"hosts": f"127.0.0.1:{mariadb.port}", "user": "open", "password": "pw", "query": "SELECT 'answer'"}
    assert tables.ask(tables.file("plain.cf", "mysql", **settings), "a")[1] == {"a": "answer"}
    tables.fails(tables.file("tls.cf", "mysql", **settings, tls_CAfile=authority.file, tls_verify_cert="yes"), "a", "query error")


# --- OpenLDAP -----------------------------------------------------------------------------------------------

ENTRIES = """
dn: uid=alice,dc=test
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: A
mail: alice@example.com
mail: a.lice@example.com

dn: uid=o\\27b(*),dc=test
objectClass: inetOrgPerson
uid: o'b(*)
cn: Odd
sn: O
mail: odd@example.com

dn: cn=team,dc=test
objectClass: groupOfNames
cn: team
member: uid=alice,dc=test
member: uid=o'b(*),dc=test

dn: cn=all,dc=test
objectClass: groupOfNames
cn: all
member: cn=team,dc=test
member: cn=all,dc=test
"""


@pytest.fixture
def slapd(folder, authority, certificate):
    server = Slapd(folder / "slapd", ENTRIES, authority, certificate).start()
    server.settings |= {"timeout": "5"}
    yield server
    server.stop()


def test_ldap(tables, slapd):
    spec = tables.file("l.cf", "ldap", **slapd.settings)
    assert tables.ask(spec, "alice", "ALICE", "o'b(*)", "nobody", "*", "alice)(uid=*", "\\2a", "x" * 10240)[1] == {
        "alice": "alice@example.com,a.lice@example.com", "ALICE": "alice@example.com,a.lice@example.com", "o'b(*)": "odd@example.com"}
    by_address = tables.file("a.cf", "ldap", **dict(slapd.settings, query_filter="(&(objectClass=inetOrgPerson)(mail=%s))", domain="example.com",
                                                    result_attribute="uid", result_format="%U:%s"))
    assert tables.ask(by_address, "alice@example.com", "alice@other.test", "alice")[1] == {"alice@example.com": "alice:alice"}
    limited = tables.file("limit.cf", "ldap", **slapd.settings, expansion_limit=1)
    tables.fails(limited, "alice", "xpansion limit")
    below = tables.file("base.cf", "ldap", **dict(slapd.settings, search_base="uid=%s,dc=test", scope="base", query_filter="(objectClass=*)"))
    assert tables.ask(below, "alice", "alice,dc=test", "nobody")[1] == {"alice": "alice@example.com,a.lice@example.com"}


def test_ldap_groups_are_followed(tables, slapd):
    settings = dict(slapd.settings, query_filter="(cn=%s)", special_result_attribute="member", result_attribute="mail")
    expected = {"alice@example.com", "a.lice@example.com", "odd@example.com"}
    answers = tables.ask(tables.file("g.cf", "ldap", **settings), "team", "all")[1]
    assert {name: set(value.split(",")) for name, value in answers.items()} == {"team": expected, "all": expected}
    tables.fails(tables.file("deep.cf", "ldap", **settings, recursion_limit=1), "all", "ecursion")


def test_ldap_over_tls(tables, slapd, authority, stranger):
    for name, host in (("start_tls", f"ldap://127.0.0.1:{slapd.port}"), ("ldaps", f"ldaps://127.0.0.1:{slapd.encrypted}")):
        settings = dict(slapd.settings, server_host=host, tls_require_cert="yes", **({"start_tls": "yes"} if name == "start_tls" else {}))
        good = tables.file(f"{name}.cf", "ldap", **settings, tls_ca_cert_file=authority.file)
        assert tables.ask(good, "alice")[1] == {"alice": "alice@example.com,a.lice@example.com"}, name
        tables.fails(tables.file(f"{name}-wrong.cf", "ldap", **settings, tls_ca_cert_file=stranger.file), "alice", "query error")


def test_ldap_trouble_is_told(tables, slapd):
    tables.fails(tables.file("pw.cf", "ldap", **dict(slapd.settings, bind_pw="no")), "alice", "Invalid credentials")
    tables.fails(tables.file("filter.cf", "ldap", **dict(slapd.settings, query_filter="(uid=%s")), "alice", "Bad search filter")
    down = tables.file("down.cf", "ldap", **dict(slapd.settings, server_host=f"ldap://127.0.0.1:{free_port()}"))
    tables.fails(down, "alice", "Can't contact LDAP server")
    both = tables.file("two.cf", "ldap", **dict(slapd.settings, server_host=f"ldap://127.0.0.1:{free_port()} {slapd.settings['server_host']}"))
    assert tables.ask(both, "alice")[0] == 0
    slapd.hang()
    tables.fails(tables.file("slow.cf", "ldap", **dict(slapd.settings, timeout="2")), "alice", "query error")


# --- Redis --------------------------------------------------------------------------------------------------

@pytest.fixture
def redis(folder, tables, authority, certificate):
    port = free_port()
    (folder / "users.acl").write_text("user default off\nuser mail on >secret ~mail:* +@all\n")
    server = Server(port, "redis-server", "--port", "0", "--tls-port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder,
                    "--aclfile", folder / "users.acl", "--tls-cert-file", certificate.file, "--tls-key-file", certificate.key,
                    "--tls-ca-cert-file", authority.file, "--tls-auth-clients", "optional")
    server.settings = {"hosts": f"127.0.0.1:{port}", "user": "mail", "password": "secret", "key_format": "mail:%s", "tls": "yes"}
    yield server
    server.stop()


def test_redis_over_tls(tables, redis, authority, stranger):
    spec = tables.file("r.cf", "redis", **redis.settings, tls_CAfile=authority.file)
    tables.mta.run("postmap", "-i", spec, input=b"a one\nlong " + b"x" * 100000 + b"\n")
    assert tables.ask(spec, "a", "b", "long")[1] == {"a": "one", "long": "x" * 100000}
    wrong = tables.file("wrong.cf", "redis", **redis.settings, tls_CAfile=stranger.file)
    tables.fails(wrong, "a", "certificate", "query error")
    name = tables.file("name.cf", "redis", **dict(redis.settings, hosts=f"127.0.0.2:{redis.port}"), tls_CAfile=authority.file)
    tables.fails(name, "a", "query error")
    plain = tables.file("plain.cf", "redis", **dict(redis.settings, tls="no"))
    tables.fails(plain, "a", "query error")
    password = tables.file("password.cf", "redis", **dict(redis.settings, password="no"), tls_CAfile=authority.file)
    tables.fails(password, "a", "AUTH failed: WRONGPASS")
