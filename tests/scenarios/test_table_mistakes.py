"""Tables with mistakes in them, answers that make no sense, and tables that change under a running daemon: what is told,
and that nothing is bounced over it."""
import contextlib
import os
import re
import sqlite3
from pathlib import Path

import pytest

from harness.sink import Sink
from harness.waiting import wait_for


def written(mta, name, text):
    path = mta.config / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (path.stat().st_mtime - 3600,) * 2)      # the reference waits for fresh files to settle
    return path


def complaints(mta, *arguments, input=None, status=0):
    done = mta.run(*arguments, input=input, check=False)
    assert done.returncode == status, done.stdout
    return [line.removeprefix(f"{arguments[0]}: ") for line in done.stdout.splitlines()]


@pytest.fixture
def quiet(mta):
    mta.allowed_trouble.append(r"post(map|alias)\[\d+\]: fatal: ")
    return mta


# --- sources ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, suffix", [("hash", "db"), ("btree", "db"), ("lmdb", "lmdb"), ("cdb", "cdb")])
def test_mistakes_in_a_map_are_told_with_their_lines(kind, suffix, quiet):
    path = written(quiet, "t", 'good one\nnovalue\n\nUser@Example.com a\nuser@example.COM b\nroot: x\n"open y\n')
    told = complaints(quiet, "postmap", f"{kind}:{path}")
    where = {"lmdb": f"lmdb:{path}", "cdb": path}.get(kind, f"{path}.{suffix}")
    assert sorted(told) == sorted([
        f"warning: {path}, line 2: expected format: key whitespace value",
        f'warning: {where}: duplicate entry: "user@example.com"',
        f'warning: {path}, line 6: record is in "key: value" format; is this an alias file?',
        f"warning: {path}, line 7: unbalanced '\"' in '\"open y' -- ignoring this line"])
    answers = quiet.run("postmap", "-q", "-", f"{kind}:{path}", input=b"good\nuser@example.com\nroot:\nnovalue\n").stdout
    assert answers == "good\tone\nuser@example.com\ta\nroot:\tx\n"


def test_mistakes_in_aliases_are_told_with_their_lines(quiet):
    path = written(quiet, "al", "root: one\nnocolon\nempty:\na@b.test: c\nROOT: two\n")
    told = complaints(quiet, "postalias", f"hash:{path}")
    assert sorted(told) == sorted([
        f"warning: {path}, line 2: need name:value pair", f"warning: {path}, line 3: need name:value pair",
        f"warning: {path}, line 4: name must be local", f'warning: {path}.db: duplicate entry: "root"'])


PATTERNS = [
    ("/a(/ x\n/b/ y\n", {"regexp": "regexp map {path}, line 1: Unmatched ( or \\(", "pcre": "pcre map {path}, line 1: error in regex at offset 2: missing closing parenthesis"}),
    ("/a/q x\n/b/ y\n", {"regexp": 'regexp map {path}, line 1: unknown regexp option "q": skipping this rule',
                         "pcre": 'pcre map {path}, line 1: unknown regexp option "q": skipping this rule'}),
    ("/a x\n/b/ y\n", {"regexp": 'regexp map {path}, line 1: no closing regexp delimiter "/": ',
                       "pcre": 'pcre map {path}, line 1: no closing regexp delimiter "/": '}),
    ("/a/ $1\n/b/ y\n", {"regexp": "regexp map {path}, line 1: out of range replacement index \"1\"",
                         "pcre": "pcre map {path}, line 1: out of range replacement index \"1\""}),
    ("endif\n/b/ y\n", {"regexp": "regexp map {path}, line 1: ignoring ENDIF without matching IF",
                        "pcre": "pcre map {path}, line 1: ignoring ENDIF without matching IF"}),
    ("/b/ y\nif /a/\n", {"regexp": "regexp map {path}, line 2: IF has no matching ENDIF",
                         "pcre": "pcre map {path}, line 2: IF has no matching ENDIF"}),
]


@pytest.mark.parametrize("kind", ("regexp", "pcre"))
@pytest.mark.parametrize("text, expected", PATTERNS, ids=("pattern", "option", "delimiter", "reference", "endif", "if"))
def test_mistakes_in_patterns_are_told_and_the_rest_counts(kind, text, expected, quiet):
    path = written(quiet, "r", text)
    told = complaints(quiet, "postmap", "-q", "b", f"{kind}:{path}")
    assert told[-1] == "y"
    assert any(expected[kind].format(path=path) in line for line in told), told


def test_mistakes_in_networks_are_told_and_the_rest_counts(quiet):
    path = written(quiet, "c", "10.0.0.0/33 a\n10.0.0.1/8 b\nendif\n10.0.0.1\n192.0.2.0/24 net\nif 192.0.2.0/24\n")
    told = complaints(quiet, "postmap", "-q", "192.0.2.1", f"cidr:{path}")
    assert told[-1] == "net"
    for line in (f'cidr map {path}, line 1: bad mask length in "10.0.0.0/33": skipping this rule',
                 f'cidr map {path}, line 2: non-null host address bits in "10.0.0.1/8", perhaps you should use "10.0.0.0/8" instead: skipping this rule',
                 f"cidr map {path}, line 3: ENDIF without IF: skipping this rule", f"cidr map {path}, line 6: IF has no matching ENDIF"):
        assert f"warning: {line}" in told, told


PASSWD = dict(line.split(":", 1) for line in Path("/etc/passwd").read_text().splitlines())


# --- keys ---------------------------------------------------------------------------------------------------

ODD_KEYS = [b"x" * 10240, b"a\rb", b"\xff\xfe", b"a" * 254 + b"@x", b"'", b"%s", b"\x7f"]


FIRST_KEYS = {"regexp": ("b", "two"), "pcre": ("b", "two"), "cidr": ("192.0.2.1", "net"), "unix": ("root", "root:" + PASSWD["root"])}


@pytest.mark.parametrize("spec", ["hash", "btree", "lmdb", "cdb", "texthash", "inline:{a=one}", "regexp:{{/^b$/ two}}", "pcre:{{/^b$/ two}}",
                                  "cidr:{{192.0.2.0/24 net}}", "unix:passwd.byname", "unionmap:{inline:{a=one}}", "pipemap:{inline:{a=one}}"])
def test_odd_keys_are_not_found(spec, quiet):
    if ":" not in spec:
        path = written(quiet, "t", "a one\n")
        if spec != "texthash":
            quiet.run("postmap", f"{spec}:{path}")
        spec = f"{spec}:{path}"
    done = quiet.run("postmap", "-q", "-", spec, input=b"\n".join(ODD_KEYS) + b"\n", check=False)
    assert done.returncode == 1 and not done.stdout, done.stdout
    # What follows a NUL is no part of a line; nothing crashes over it.
    done = quiet.run("postmap", "-q", "-", spec, input=b"zz\0b\nzz\n\0\n\0a\n", check=False)
    assert done.returncode == 1 and not done.stdout, done.stdout
    known, value = FIRST_KEYS.get(spec.split(":")[0], ("a", "one"))
    assert quiet.run("postmap", "-q", "-", spec, input=f"{known}\0zz\n".encode()).stdout == f"{known}\t{value}\n"


def test_a_key_of_two_lines_is_not_found(quiet):
    path = written(quiet, "t", "a one\nb two\n")
    quiet.run("postmap", f"hash:{path}")
    for spec in (f"hash:{path}", f"texthash:{path}", "regexp:{{/^b$/ two}}", "inline:{a=one}"):
        done = quiet.run("postmap", "-q", "zz\nyy", spec, check=False)
        assert done.returncode == 1 and not done.stdout, (spec, done.stdout)


def test_odd_recipients_reach_every_table_and_are_answered(mta):
    """10 kB in one address, and bytes that no table has."""
    mta.table("t", "a@virt.test ok\n", "hash")
    mta.start(virtual_mailbox_maps=f"hash:{mta.config}/t, regexp:{written(mta, 'r', '/^never/ x')}", virtual_alias_maps=f"hash:{mta.config}/t",
              smtpd_recipient_restrictions=f"check_recipient_access hash:{mta.config}/t, permit_mynetworks, reject")
    with mta.peer() as peer:
        peer.command("MAIL FROM:<sender@client.test>", 250)
        for local_part in ("x" * 800, '"a\\"b"', '"a\x01b"', '"' + "y" * 700 + '"', "%n%s", "'"):
            reply = peer.command(f"RCPT TO:<{local_part}@virt.test>")
            assert reply.code == 550 and reply.text.endswith("User unknown in virtual mailbox table"), (local_part[:20], reply)
        assert peer.command("NOOP").code == 250
    with mta.peer() as peer:
        peer.command("MAIL FROM:<sender@client.test>", 250)
        peer.send(b"RCPT TO:<a\0b@virt.test>\r\n")
        assert peer.reply().text == "501 5.1.3 Bad recipient address syntax"
        peer.send(b"RCPT TO:<" + b"z" * 10240 + b"@virt.test>\r\n")
        assert peer.reply().text == "501 5.1.3 Bad recipient address syntax"


# --- results ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("parameter", ("virtual_alias_maps", "virtual_mailbox_maps", "access"))
def test_an_empty_value_is_an_error_that_names_the_list(parameter, mta):
    path = written(mta, "empty", "/^empty@virt\\.test$/\n/@/ x\n")
    spec, title, reply = f"regexp:{path}", parameter, "451 4.3.5 Server configuration error"
    settings = {"virtual_mailbox_maps": "static:x/", parameter: spec}
    if parameter == "access":
        title, reply = spec, "451 4.3.5 <empty@virt.test>: Recipient address rejected: Server configuration error"
        settings = {"smtpd_recipient_restrictions": f"check_recipient_access {spec}, permit", "virtual_mailbox_maps": "static:x/"}
    mta.start(**settings)
    assert mta.ask("empty@virt.test").text == reply
    mta.log.wait(rf"^warning: {re.escape(title)} lookup of empty@virt\.test returns an empty string result$", process="smtpd")
    mta.log.wait(rf"^warning: {re.escape(title)} should return NO RESULT in case of NOT FOUND$", process="smtpd")


ONE, ALICE, LOCAL = "one@elsewhere.test", "alice@virt.test", "postmaster@mx.example.test"
STRANGER = {"mynetworks": "127.0.0.2", "smtpd_relay_restrictions": "reject_unauth_destination"}
FAILING = [       # parameter, recipient, other settings
    ("virtual_alias_maps", ALICE, {}), ("virtual_mailbox_maps", ALICE, {}), ("virtual_mailbox_domains", ALICE, {}), ("virtual_alias_domains", ONE, {}),
    ("canonical_maps", ONE, {}), ("sender_canonical_maps", ONE, {}), ("recipient_canonical_maps", ONE, {}),
    ("sender_bcc_maps", ONE, {}), ("recipient_bcc_maps", ONE, {}), ("relocated_maps", ONE, {}), ("transport_maps", ONE, {}),
    ("sender_dependent_relayhost_maps", ONE, {}), ("sender_dependent_default_transport_maps", ONE, {}),
    ("mynetworks", ONE, {"smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"}),
    ("relay_domains", ONE, STRANGER), ("mydestination", ONE, {}), ("relay_recipient_maps", ONE, {"relay_domains": "elsewhere.test"}),
    ("local_recipient_maps", "nobody@mx.example.test", {}), ("alias_maps", LOCAL, {}),
    *((f"check_{kind}_access", ONE, {"smtpd_recipient_restrictions": f"check_{kind}_access fail:later, permit"})
      for kind in ("client", "helo", "sender", "recipient")),
    ("address_verify_map", ONE, {"smtpd_recipient_restrictions": "reject_unverified_recipient, permit"}),
]


def test_a_table_that_fails_defers_and_never_bounces(mta, sink):
    mta.configure(relayhost=sink.nexthop, local_recipient_maps="", notify_classes="")    # notices are mail, too
    mta.start()
    usual = dict(mta.main)
    for parameter, recipient, more in FAILING:
        mta.main = dict(usual)
        mta.apply(**({} if parameter.startswith("check_") else {parameter: "fail:later"}), **more)
        mta.log.forget()
        with mta.peer() as peer:
            peer.command("MAIL FROM:<sender@client.test>", 250)
            reply = peer.command(f"RCPT TO:<{recipient}>")
            if reply.code == 250:
                peer.command("DATA", 354)
                peer.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
                reply = peer.reply()
        if reply.code == 250:
            mta.log.wait(rf"to=<{re.escape(recipient)}>, .*status=deferred ")
        else:
            assert reply.code in (450, 451), (parameter, reply)
        assert not mta.log.has(r"status=bounced") and not sink.messages, parameter
        mta.run("postsuper", "-d", "ALL")


GONE = "421 4.3.0 mx.example.test Server local data error"
AT_MAIL = "451 4.3.0 Temporary lookup error"
HELO, EHLO, MAIL = "HELO client.test", "EHLO client.test", "MAIL FROM:<a@client.test>"
OURS, FAR = "RCPT TO:<alice@virt.test>", "RCPT TO:<a@far.test>"
NETWORKS = "mynetworks: fail:x: table lookup problem"
# What main.cf says, commands of which the table decides about the last, the answer, and what the log says about it.
FAILING_CLIENT_TABLES = [
    (["mynetworks=fail:x", "smtpd_client_restrictions=permit_mynetworks, reject"], [HELO, MAIL, OURS],
     "451 4.3.0 <localhost[127.0.0.1]>: Temporary lookup failure", NETWORKS),
    (["mynetworks=fail:x", "smtpd_sender_restrictions=permit_mynetworks, reject"], [HELO, MAIL, OURS],
     "451 4.3.0 <a@client.test>: Temporary lookup failure", NETWORKS),
    (["mynetworks=fail:x", "smtpd_relay_restrictions=permit_mynetworks, reject_unauth_destination"], [HELO, MAIL, FAR],
     "451 4.3.0 <a@far.test>: Temporary lookup failure", NETWORKS),
    (["mynetworks=fail:x", "smtpd_relay_restrictions=", "smtpd_recipient_restrictions=permit_mynetworks, reject"], [HELO, MAIL, FAR],
     "451 4.3.0 <a@far.test>: Temporary lookup failure", NETWORKS),
    (["mynetworks=fail:x", "local_header_rewrite_clients=permit_mynetworks"], [HELO, MAIL], AT_MAIL, NETWORKS),
    (["local_header_rewrite_clients=check_address_map fail:x"], [HELO, MAIL], AT_MAIL, 'fail:x lookup error for "127.0.0.1"'),
    (["smtpd_authorized_xclient_hosts=fail:x"], [EHLO], GONE, "don't know if EHLO feature XCLIENT should be announced to localhost[127.0.0.1]"),
    (["smtpd_authorized_xforward_hosts=fail:x"], [EHLO], GONE, "don't know if EHLO feature XFORWARD should be announced to localhost[127.0.0.1]"),
    (["smtpd_discard_ehlo_keyword_address_maps=fail:x"], [EHLO], GONE, "don't know what EHLO features to announce to localhost[127.0.0.1]"),
    (["smtpd_authorized_xclient_hosts=fail:x"], [HELO, "XCLIENT NAME=a.test"], GONE,
     "don't know if command XCLIENT should be allowed from localhost[127.0.0.1]"),
    (["smtpd_authorized_xforward_hosts=fail:x"], [HELO, "XFORWARD NAME=a.test"], GONE,
     "don't know if command XFORWARD should be allowed from localhost[127.0.0.1]"),
]


def test_a_client_that_a_failing_table_should_know_is_told_to_come_again(mta):
    """Neither "not one of ours" nor "one of ours": both would be wrong for good."""
    ports = [mta.smtpd_service(None, *options) for options, *_ in FAILING_CLIENT_TABLES]
    mta.start()
    for port, (options, commands, expected, warning) in zip(ports, FAILING_CLIENT_TABLES):
        told = len(mta.log.grep(re.escape(warning)))
        with mta.peer(port, greet=False) as peer:
            peer.expect(220)
            for command in commands[:-1]:
                peer.command(command, 250)
            assert peer.command(commands[-1]).text == expected, options
            assert expected != GONE or peer.is_closed(), options
        mta.log.wait("^warning: " + re.escape(warning) + "$", told + 1, "smtpd")
        mta.log.wait(f"^NOQUEUE: reject: {commands[-1].split()[0]} from localhost\\[127\\.0\\.0\\.1\\]: {re.escape(expected)}"
                     + ("$" if expected == GONE else "; "), process="smtpd")
    assert not mta.queued()


# Where a domain may stand that a list, a file or a table of another parameter has, too.
IN_TABLES = ["hash", "btree", "lmdb", "cdb", "texthash", "inline"]


def two_classes(mta, name, first="virtual_mailbox_domains", second="relay_domains"):
    mta.log.wait(rf"^warning: do not list domain {re.escape(name)} in BOTH {first} and {second}$", process="trivial-rewrite")


@pytest.mark.posthouse_only("the reference tells it at the first address")
def test_a_domain_in_two_classes_is_told_at_the_start(mta):
    (mta.config / "names").write_text("Virt.test\nother.test\n")
    mta.start(relay_domains=f"{mta.config}/names", virtual_alias_domains="mx.example.test",
              virtual_mailbox_domains="proxy:" + mta.table("domains", "virt.test x\n"))
    mta.ask("any@elsewhere.test")
    two_classes(mta, "virt.test")
    two_classes(mta, "mx.example.test", "mydestination", "virtual_alias_domains")


@pytest.mark.posthouse_only("the reference tells it at the first address")
@pytest.mark.parametrize("kind", IN_TABLES)
def test_a_domain_that_stands_in_tables_of_two_classes_is_told_at_the_start(kind, mta):
    if kind == "inline":
        spec = "inline:{Two.test=x, .sub.test=x}"
    elif kind == "texthash":
        spec = f"texthash:{written(mta, 'domains', 'Two.test x')}"
    else:
        spec = mta.table("domains", "Two.test x\n", kind)
    mta.start(relay_domains=spec, virtual_mailbox_domains=f"virt.test, texthash:{written(mta, 'more', 'one.test x' + chr(10) + 'two.test x')}")
    mta.ask("any@elsewhere.test")
    two_classes(mta, "two.test")
    assert not mta.log.has(r"do not list domain (?!two\.test)")


@pytest.mark.posthouse_only("the reference tells it at the first address")
def test_not_every_one_of_many_domains_in_two_classes_is_told_at_the_start(mta):
    spec = mta.table("domains", "".join(f"d{number}.test x\n" for number in range(1000)))
    mta.service("rewrite", maxproc=1)
    mta.start(relay_domains=spec, virtual_mailbox_domains=spec)
    mta.ask("any@elsewhere.test")
    assert len(mta.log.grep("do not list domain", process="trivial-rewrite")) == 100


def test_a_domain_in_two_classes_belongs_to_the_first(mta):
    mta.start(relay_domains="virt.test")
    assert mta.ask("alice@virt.test").code == 250
    assert mta.ask("nobody@virt.test").text == "550 5.1.1 <nobody@virt.test>: Recipient address rejected: User unknown in virtual mailbox table"
    two_classes(mta, "virt.test")


# --- tables that change ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ("hash", "btree", "cdb", "lmdb"))
def test_a_rebuilt_table_renews_the_process(kind, mta):
    """Sessions that are open go on with the process that serves them; later ones see the new table."""
    mta.table("access", "one@client.test REJECT one\n", kind)
    mta.start(smtpd_sender_restrictions=f"check_sender_access {kind}:{mta.config}/access")
    assert "rejected: one" in mta.ask("alice@virt.test", "one@client.test").text
    with mta.peer() as open_session:
        mta.table("access", "two@client.test REJECT two\n", kind)
        wait_for(lambda: "rejected: two" in mta.ask("alice@virt.test", "two@client.test").text, "the new table is used")
        assert open_session.command("NOOP").code == 250
    mta.log.wait(rf"table {kind}:{re.escape(str(mta.config))}/access(\(\S+\))? has changed -- restarting$", process="smtpd")


# How a table says REJECT to one@client.test, by type; the word WHY is replaced.
SOURCES = {"texthash": "one@client.test REJECT WHY\n", "regexp": "/^one@/ REJECT WHY\n", "pcre": "/^one@/ REJECT WHY\n",
           "cidr": "127.0.0.0/8 REJECT WHY\n", "json": '{"one@client.test": "REJECT WHY"}\n',
           "sqlite": "dbpath = DATABASE\nquery = SELECT value FROM t WHERE key = '%s'\nresult_format = REJECT WHY\n"}


@pytest.mark.posthouse_only("the reference reads these types once, when a process starts")
def test_sources_that_are_edited_renew_the_process(mta):
    database = mta.config / "database"
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.executescript("CREATE TABLE t (key TEXT, value TEXT); INSERT INTO t VALUES ('one@client.test', 'x');")
    texts = {kind: SOURCES[kind].replace("DATABASE", str(database)) for kind in SOURCES}
    ports = {}
    for kind in SOURCES:
        path = written(mta, kind, texts[kind].replace("WHY", "first"))
        parameter = "client" if kind == "cidr" else "sender"
        ports[kind] = mta.smtpd_service(None, f"smtpd_{parameter}_restrictions=check_{parameter}_access {kind}:{path}")
    mta.start()

    def why(kind):
        with mta.peer(ports[kind]) as peer:
            return peer.ask("alice@virt.test", "one@client.test").text.rsplit(": ", 1)[1]

    assert {kind: why(kind) for kind in SOURCES} == dict.fromkeys(SOURCES, "first")
    for kind in SOURCES:
        (mta.config / kind).write_text(texts[kind].replace("WHY", "second"))
    for kind in SOURCES:
        wait_for(lambda kind=kind: why(kind) == "second", lambda kind=kind: f"the new {kind} table is used", interval=0.5)
        mta.log.wait(rf"table {kind}:{mta.config}/{kind}(\(\S+\))? has changed -- restarting$", process="smtpd")


def test_each_daemon_sees_that_its_table_has_changed(mta, sink):
    """What mail shows of each table, before and after: the daemon that has it open is renewed, mail goes on."""
    tables = {"virtual_alias_maps": ("cleanup", "asked@virt.test {}@virt.test\n"),
              "transport_maps": ("trivial-rewrite", "moved.test smtp:[127.0.0.1]:{port}\n"),
              "virtual_mailbox_maps": ("virtual", "bob@virt.test bob/\nalice@virt.test alice/\nfixed@virt.test {}-fixed/\n"),
              "alias_maps": ("local", "asked {}@virt.test\n"),
              "smtp_generic_maps": ("smtp", "sender@client.test {}@outside.test\n"),
              "relay_domains": ("proxymap", "{}.relay.test x\n")}
    with Sink() as other:
        def write(parameter, variant):
            port = (sink if variant == "alice" else other).port
            return mta.table(parameter, tables[parameter][1].format(variant, port=port), "hash")

        mta.configure(**{name: write(name, "alice") for name in tables}, relayhost=sink.nexthop,
                      smtpd_relay_restrictions="reject_unauth_destination", smtpd_recipient_restrictions="")
        far = mta.smtpd_service(None, "smtpd_relay_restrictions=permit_mynetworks, reject")
        mta.start(relay_domains=f"proxy:hash:{mta.config}/relay_domains", local_recipient_maps="",
                  virtual_alias_domains="")

        def delivered(recipient, port=None):
            """The Message-Id of one message, and its delivery lines when it is done."""
            with mta.peer(port) as peer:
                queue_id, message_id = peer.deliver(recipient)
            return message_id, deliveries_of(queue_id)

        def deliveries_of(queue_id):
            mta.log.wait(rf"^{queue_id}: removed$", process="qmgr")
            text = " ".join(line.text for line in mta.log.of(queue_id) if "status=" in line.text)
            forwarded = re.search(r"forwarded as (\w+)", text)
            return text + (deliveries_of(forwarded[1]) if forwarded else "")

        shows = {
            "virtual_alias_maps": lambda: "to=<bob@virt.test>, orig_to=<asked@virt.test>" in delivered("asked@virt.test")[1],
            "transport_maps": lambda: f":{other.port}," in delivered("x@moved.test", far)[1],
            "virtual_mailbox_maps": lambda: delivered("fixed@virt.test") and bool(mta.maildir("bob-fixed").files()),
            "alias_maps": lambda: "to=<bob@virt.test>, orig_to=<asked@mx.example.test>" in delivered("asked@mx.example.test")[1],
            "smtp_generic_maps": lambda: sink.wait_for_message(delivered("x@far.test", far)[0]).sender == "bob@outside.test",
            "relay_domains": lambda: mta.ask("x@bob.relay.test").code == 250,
        }
        if mta.suite.is_reference:
            del tables["relay_domains"]       # its proxymap looks at files only when a client connects anew
        assert not [parameter for parameter in tables if shows[parameter]()]
        for parameter in tables:
            write(parameter, "bob")
        for parameter, (daemon, _) in tables.items():
            wait_for(shows[parameter], lambda parameter=parameter: f"the new {parameter} are used", interval=0.5)
            mta.log.wait(rf"table hash:{mta.config}/{parameter}(\(\S+\))? has changed -- restarting$", process=daemon)
