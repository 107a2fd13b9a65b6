"""Tables in servers that speak TLS and ask who is there: MariaDB, OpenLDAP, Redis."""
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

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

@pytest.fixture
def slapd(folder, authority, certificate):
    server = Slapd(folder / "slapd", authority, certificate).start()
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
    expected = {"alice@example.com", "a.lice@example.com", "bob@example.com"}
    answers = tables.ask(tables.file("g.cf", "ldap", **settings), "team", "all")[1]
    assert {name: set(value.split(",")) for name, value in answers.items()} == {"team": expected, "all": expected}
    tables.fails(tables.file("deep.cf", "ldap", **settings, recursion_limit=1), "all", "ecursion")


def test_ldap_over_tls(tables, slapd, authority, stranger):
    for name, host in (("start_tls", slapd.plain), ("ldaps", slapd.encrypted)):
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
    certificate = tables.file("none.cf", "ldap", **dict(slapd.settings, server_host=slapd.encrypted), tls_ca_cert_file="/nonexistent")
    tables.fails(certificate, "alice", "dict_ldap_set_tls_options: Unable to allocate new TLS context -1: ")


ALICE = {"alice": "alice@example.com,a.lice@example.com"}


def test_ldap_with_sasl(tables, slapd):
    def table(name, **settings):
        return tables.file(name, "ldap", **{**slapd.settings, "bind": "sasl", "bind_dn": "mail", **settings})

    local = table("local.cf", server_host=slapd.local, bind_dn="", bind_pw="", sasl_mechs="EXTERNAL")
    assert tables.ask(local, "alice", "nobody")[1] == ALICE
    for mechanism in ("SCRAM-SHA-256", "DIGEST-MD5", "NONE DIGEST-MD5", ""):
        assert tables.ask(table("good.cf", sasl_mechs=mechanism), "alice", "nobody")[1] == ALICE, mechanism
        tables.fails(table("password.cf", sasl_mechs=mechanism, bind_pw="no"), "alice",
                     f"dict_ldap_connect: Unable to bind to server {slapd.plain} with dn mail: 49 (Invalid credentials)")
    tables.fails(table("mechanism.cf", sasl_mechs="NONE"), "alice", "with dn mail: -6 (Unknown authentication method)")
    tables.fails(table("version.cf", version="2"), "alice", "with dn mail: -12 (Not Supported)")
    tables.fails(table("as-alice.cf", sasl_mechs="SCRAM-SHA-256", sasl_authz_id="dn:uid=alice,dc=test"), "alice", "50 (Insufficient access)")


@pytest.mark.parametrize("mechanism", ("SCRAM-SHA-256", "DIGEST-MD5"))
def test_ldap_with_sasl_for_many_at_once(mechanism, mta, tables, slapd):
    """Several threads of proxymap log in at the same time."""
    spec = tables.file("s.cf", "ldap", **{**slapd.settings, "bind": "sasl", "bind_dn": "mail"}, sasl_mechs=mechanism)
    mta.start(virtual_alias_maps=f"proxy:{spec}")
    with ThreadPoolExecutor(8) as askers:
        found = list(askers.map(lambda _: tables.ask(f"proxy:{spec}", *["alice", "nobody"] * 20)[1], range(8)))
    assert found == [ALICE] * 8


def test_ldap_with_sasl_is_as_strong_as_is_asked_for(tables, slapd, authority):
    """SCRAM encrypts nothing itself; DIGEST-MD5 does, with 128 bits."""
    def table(mechanism, strength, **settings):
        return tables.file("s.cf", "ldap", **{**slapd.settings, "bind": "sasl", "bind_dn": "mail", "sasl_mechs": mechanism,
                                              "sasl_minssf": strength, **settings})

    weak = "with dn mail: -6 (Unknown authentication method)"
    tables.fails(table("SCRAM-SHA-256", 1), "alice", weak)
    assert tables.ask(table("SCRAM-SHA-256", 0), "alice")[1] == ALICE
    encrypted = {"server_host": slapd.encrypted, "tls_ca_cert_file": authority.file, "tls_require_cert": "yes"}
    assert tables.ask(table("SCRAM-SHA-256", 128, **encrypted), "alice")[1] == ALICE
    assert tables.ask(table("DIGEST-MD5", 128), "alice")[1] == ALICE
    tables.fails(table("DIGEST-MD5", 129), "alice", weak)


def test_ldap_with_a_client_certificate(tables, folder, authority, stranger, certificate):
    server = Slapd(folder / "strict", authority, certificate, client_certificate="demand").start()
    try:
        own, other = authority.issue("client"), stranger.issue("client")
        encrypted = {"server_host": server.encrypted}
        for name, way in (("ldaps", encrypted), ("starttls", {"start_tls": "yes"})):
            settings = {**server.settings, **way, "timeout": "5", "tls_ca_cert_file": authority.file, "tls_require_cert": "yes"}
            tables.fails(tables.file(f"{name}-none.cf", "ldap", **settings), "alice", "dict_ldap_connect: Unable to ")
            wrong = tables.file(f"{name}-wrong.cf", "ldap", **settings, tls_cert=other.file, tls_key=other.key)
            tables.fails(wrong, "alice", "dict_ldap_connect: Unable to ")
            settings |= {"tls_cert": own.file, "tls_key": own.key}
            assert tables.ask(tables.file(f"{name}.cf", "ldap", **settings), "alice", "nobody")[1] == ALICE, name
            external = tables.file(f"{name}-external.cf", "ldap", **{**settings, "bind": "sasl", "bind_dn": "", "bind_pw": ""}, sasl_mechs="EXTERNAL")
            assert tables.ask(external, "alice", "nobody")[1] == ALICE, name
    finally:
        server.stop()


@pytest.mark.parametrize("settings", [{}, {"server_host": "{0.encrypted}"}, {"start_tls": "yes"}, {"bind": "sasl"},
                                      {"bind": "sasl", "sasl_mechs": "SCRAM-SHA-256"},
                                      {"bind": "sasl", "sasl_mechs": "EXTERNAL", "server_host": "{0.local}"},
                                      {"bind": "sasl", "sasl_mechs": "SCRAM-SHA-256", "server_host": "{0.encrypted}"}])
def test_ldap_server_that_hangs_is_an_error_in_bounded_time(settings, tables, slapd):
    texts = {name: value.format(slapd) for name, value in settings.items()}
    spec = tables.file("slow.cf", "ldap", **{**slapd.settings, "timeout": "2", **texts})
    slapd.hang()
    begun = time.monotonic()
    tables.fails(spec, "alice", "dict_ldap_connect: Unable to ", "query error")
    assert 1.5 < time.monotonic() - begun < 50


def test_ldap_servers_are_tried_in_order(tables, slapd):
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        hosts = f"ldap://127.0.0.1:{free_port()} {slapd.plain} " + 4 * f"ldap://127.0.0.1:{other.getsockname()[1]} "
        spec = tables.file("order.cf", "ldap", **{**slapd.settings, "server_host": hosts})
        for _ in range(3):
            assert tables.ask(spec, "alice")[1] == ALICE
        with pytest.raises(BlockingIOError):
            other.accept()


def test_ldap_libraries_tell_what_they_do(tables, slapd):
    for level, is_told in (("0", False), ("1", True)):
        _, answers, complaints = tables.ask(tables.file("debug.cf", "ldap", **slapd.settings, debuglevel=level), "alice")
        assert answers == ALICE
        told = [line for line in complaints if line.startswith("postmap: dict_ldap_debug: ")]
        assert bool(told) == is_told and len(told) == len(complaints)
    assert any("ldap_connect_to_host" in line for line in told) and any("ber_scanf" in line for line in told)


def test_ldap_references_to_nothing_are_told(tables, slapd):
    spec = tables.file("g.cf", "ldap", **{**slapd.settings, "query_filter": "(cn=%s)"}, special_result_attribute="member")
    status, answers, complaints = tables.ask(spec, "all")
    assert status == 0 and sorted(answers["all"].split(",")) == ["a.lice@example.com", "alice@example.com", "bob@example.com"]
    assert len(complaints) == 1 and complaints[0].endswith("]: DN uid=nobody,dc=test not found, skipping")


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
