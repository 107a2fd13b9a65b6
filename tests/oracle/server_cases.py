"""What test_server_tables.py asks both programs: settings of tables in servers, and keys."""
from dataclasses import dataclass, field

from harness.slapd import URLS

KEYS = ["alice@example.com", "ALICE@Example.COM", "alice", "alice@other.test", "@example.com", "example.com", "bob@example.com",
        "many@example.com", "null@example.com", "mixed@example.com", "empty@example.com", "o'brien@example.com", "back\\slash@example.com",
        "percent%s@example.com", "none@example.com", "a@b@example.com", "alice@mail.example.com", '"alice"@example.com', "alice@",
        "üser@example.com", "user@bücher.test", "x" * 300 + "@example.com"]
HOSTILE = ["' OR '1'='1", "x' UNION SELECT goto FROM alias -- ", "x'; DROP TABLE alias; -- ", "\\' OR 1=1 -- ", "x\\", "'", "''", '"',
           "%s", "%", "a@b' OR ''='", "¿' OR 1=1 -- ", "é' OR 1=1#", "/*", "#", "a\tb'"]

SCHEMA = """CREATE TABLE alias (address VARCHAR(400), goto VARCHAR(400), second VARCHAR(400));
INSERT INTO alias VALUES ('alice@example.com', 'one', 'uno'), ('alice', 'bare', NULL), ('example.com', 'domain', ''),
 ('@example.com', 'catchall', NULL), ('bob@example.com', 'bob@store.test', 'x'), ('many@example.com', 'm1', 'n1'),
 ('many@example.com', 'm2', 'n2'), ('many@example.com', 'm3', 'n3'), ('null@example.com', NULL, NULL), ('mixed@example.com', NULL, 'a'),
 ('mixed@example.com', '', 'b'), ('mixed@example.com', 'c', NULL), ('empty@example.com', '', ''), ('o''brien@example.com', 'quote', NULL),
 ('percent%s@example.com', 'percent', NULL), ('üser@example.com', 'ü', NULL), ('user@bücher.test', 'bücher', NULL);
"""
_GOTO = "SELECT goto FROM alias WHERE address='%s'"
_SORTED = _GOTO + " ORDER BY goto"


@dataclass
class Case:
    name: str
    settings: dict
    keys: list = field(default_factory=lambda: KEYS)
    kinds: tuple = ("mysql", "pgsql", "sqlite")


SQL = [
    Case("whole key", {"query": _SORTED}, KEYS + HOSTILE),
    Case("two columns", {"query": "SELECT goto, second FROM alias WHERE address='%s' ORDER BY goto, second"}),
    Case("parts", {"query": "SELECT goto FROM alias WHERE address='%u@%d'"}),
    Case("local part", {"query": "SELECT goto FROM alias WHERE address='%u'"}, KEYS + HOSTILE),
    Case("domain part", {"query": "SELECT goto FROM alias WHERE address='%d'"}, KEYS + HOSTILE),
    Case("labels of the domain", {"query": "SELECT goto FROM alias WHERE address='%2.%1'"}),
    Case("a third label", {"query": "SELECT goto FROM alias WHERE address='%2.%1' AND 'mail'='%3'"}),
    Case("percent", {"query": "SELECT goto FROM alias WHERE address='%s' AND goto LIKE 'o%%'"}),
    Case("capitals", {"query": "SELECT goto FROM alias WHERE address='%S' AND 'example.com'='%D'"}),
    Case("no expansion", {"query": "SELECT goto FROM alias WHERE address='alice'"}, KEYS[:4]),
    Case("format", {"query": _SORTED, "result_format": "smtp:[%s]:25"}),
    Case("format of parts", {"query": _SORTED, "result_format": "%u of %d"}),
    Case("format with the key", {"query": _SORTED, "result_format": "%s for %U at %D of %1 %%"}),
    Case("obsolete format", {"query": _SORTED, "result_filter": "<%s>"}),
    Case("domains", {"query": _SORTED, "domain": "example.com, other.test"}),
    Case("domains from a table", {"query": _SORTED, "domain": "inline:{example.com=x}"}),
    Case("no such domain", {"query": _SORTED, "domain": "nowhere.test"}),
    Case("limit that is kept", {"query": _SORTED, "expansion_limit": "3"}, ["many@example.com", "bob@example.com"]),
    Case("limit", {"query": _SORTED, "expansion_limit": "2"}, ["many@example.com"]),
    Case("limit of one", {"query": _SORTED, "expansion_limit": "1"}, ["bob@example.com", "mixed@example.com"]),
    Case("obsolete query", {"select_field": "goto", "table": "alias", "where_field": "address", "additional_conditions": "and goto <> 'one'"},
         KEYS[:6] + HOSTILE),
    Case("bad query", {"query": "SELEKT '%s'"}, ["alice"]),
    Case("no such table", {"query": "SELECT goto FROM nothing WHERE address='%s'"}, ["alice"]),
    Case("unknown expansion", {"query": "SELECT '%x'"}, ["alice"]),
    Case("unknown expansion in the format", {"query": _GOTO, "result_format": "%x"}, ["alice"]),
    Case("bad limit", {"query": _SORTED, "expansion_limit": "many"}, ["alice"]),
    Case("negative limit", {"query": _SORTED, "expansion_limit": "-1"}, ["alice"]),
    Case("no field", {"table": "alias"}, ["alice"]),
    Case("no key field", {"table": "alias", "select_field": "goto"}, ["alice"]),
    Case("nothing", {}, ["alice"]),
]

LDAP_KEYS = ["alice", "ALICE", "bob", "alice@example.com", "a.lice@example.com", "bob@other.test", "o'b(*)", "nomail", "nobody", "*", "al*",
             "alice)(uid=*", "\\2a", "x" * 3000, "team", "all", "@example.com", "example.com", "%s", "é"]
_GROUP = {"query_filter": "(cn=%s)", "special_result_attribute": "member"}

LDAP = [
    Case("uid", {}),
    Case("mail", {"query_filter": "(mail=%s)", "result_attribute": "uid"}),
    Case("local part", {"query_filter": "(&(objectClass=inetOrgPerson)(uid=%u))"}),
    Case("both parts", {"query_filter": "(mail=%u@%d)", "result_attribute": "cn sn"}),
    Case("several attributes", {"result_attribute": "cn, sn, mail, missing"}),
    Case("no such attribute", {"result_attribute": "pager"}),
    Case("format", {"result_format": "<%s>"}),
    Case("format of parts", {"result_format": "%u at %d"}),
    Case("format with the key", {"query_filter": "(mail=%s)", "result_attribute": "uid", "result_format": "%s of %D by %U"}),
    Case("domains", {"query_filter": "(mail=%s)", "result_attribute": "uid", "domain": "example.com"}),
    Case("other domains", {"query_filter": "(mail=%s)", "result_attribute": "uid", "domain": "other.test"}),
    Case("base of the key", {"search_base": "uid=%s,dc=test", "scope": "base", "query_filter": "(objectClass=*)"}),
    Case("scope one", {"scope": "one"}),
    Case("scope base", {"scope": "base"}),
    Case("no such base", {"search_base": "dc=nowhere"}),
    Case("groups", _GROUP, ["team", "alice", "nobody", "team)"]),
    Case("groups with leaves", {**_GROUP, "result_attribute": "mail", "leaf_result_attribute": "uid"}, ["team", "alice", "nomail"]),
    Case("groups that end", {**_GROUP, "terminal_result_attribute": "cn"}, ["team", "all", "alice"]),
    Case("groups one deep", {**_GROUP, "recursion_limit": "1"}, ["team", "alice", "nobody"]),
    Case("limit", {"expansion_limit": "1"}, ["bob", "nobody"]),
    Case("size limit", {"query_filter": "(objectClass=inetOrgPerson)", "size_limit": "1"}, ["alice"]),
    Case("limit is passed", {"expansion_limit": "1"}, ["alice"]),
    Case("bad filter", {"query_filter": "(uid=%s"}, ["alice"]),
    Case("bad scope", {"scope": "everywhere"}, ["alice"]),
    Case("wrong password", {"bind_pw": "no"}, ["alice"]),
    Case("nobody binds", {"bind": "no"}, ["alice"]),
    Case("version 2", {"version": "2"}, ["alice"]),
    Case("bad version", {"version": "9"}, ["alice"]),
    Case("bad bind", {"bind": "sometimes"}, ["alice"]),
    Case("bad dereference", {"dereference": "7"}, ["alice"]),
    Case("referrals", {"chase_referrals": "yes"}, ["alice"]),
    Case("cache", {"cache": "yes", "cache_expiry": "3", "cache_size": "1"}, ["alice"]),
    Case("no recursion", {"recursion_limit": "0"}, ["alice"]),
    Case("bad boolean", {"start_tls": "maybe"}, ["alice"]),
    Case("bad result template", {"result_format": "a%"}, ["alice"]),
    Case("bad base template", {"search_base": "a%x"}, ["alice"]),
    Case("obsolete format", {"result_filter": "<%s>"}),
]
_URL = {"query_filter": "(cn=%s)", "special_result_attribute": "labeledURI member"}
LDAP += [
    Case("attributes of URLs", _URL, list(URLS)),
    Case("several attributes of URLs", {**_URL, "result_attribute": "mail cn"}, list(URLS)),
    *(Case(f"empty {name}", {name: ""}, ["alice"]) for name in ("result_format", "result_filter", "query_filter", "scope", "bind", "server_host", "domain")),
    Case("long timeout", {"timeout": "5000"}, ["alice"]),
    Case("attributes with options", {"result_attribute": "sn;lang-de, sn;lang-fr"}),
    Case("attributes that have options", {"result_attribute": "sn"}),
    *(Case(f"{name} of URLs", {**_URL, "result_attribute": name}, ["option", "surname", "mail"]) for name in ("sn", "sn;lang-de", "SN;Lang-DE sn;lang-fr")),
]
for case in LDAP:
    case.kinds = ("ldap",)
    case.keys = LDAP_KEYS if case.keys is KEYS else case.keys

# How the server is reached; {local}, {encrypted}: its URLs; {ca}, {own.file}, {own.key}: whom to trust, and a certificate of ours.
_SASL = {"bind": "sasl", "bind_dn": "mail", "bind_pw": "mail pass"}
_LOCAL = {"bind": "sasl", "bind_dn": "", "bind_pw": "", "server_host": "{local}"}
_SCRAM = {**_SASL, "sasl_mechs": "SCRAM-SHA-256"}
_DIGEST = {**_SASL, "sasl_mechs": "DIGEST-MD5"}
_TLS = {"tls_ca_cert_file": "{ca}", "tls_require_cert": "yes"}
_ENCRYPTED = {**_TLS, "server_host": "{encrypted}"}
_OWN = {"tls_cert": "{own.file}", "tls_key": "{own.key}"}
_EXTERNAL = {**_OWN, "bind": "sasl", "sasl_mechs": "EXTERNAL"}
LDAP_SESSIONS = {
    "local socket": {"server_host": "{local}"},
    "local socket, version 2": {"server_host": "{local}", "version": "2"},
    "EXTERNAL": {**_LOCAL, "sasl_mechs": "EXTERNAL"},
    "EXTERNAL with a name": {**_LOCAL, "sasl_mechs": "EXTERNAL", "bind_dn": "nobody", "bind_pw": "no"},
    "EXTERNAL over TCP": {**_SASL, "sasl_mechs": "EXTERNAL"},
    "no mechanism and no name": _LOCAL,
    "no mechanism": _SASL,
    "SCRAM": _SCRAM,
    "DIGEST": _DIGEST,
    "capitals": {**_SCRAM, "bind": "SASL"},
    "mechanisms": {**_SASL, "sasl_mechs": "NONE DIGEST-MD5"},
    "unknown mechanism": {**_SASL, "sasl_mechs": "NONE"},
    "mechanism without protection": {**_SASL, "sasl_mechs": "PLAIN"},
    "wrong password": {**_SCRAM, "bind_pw": "no"},
    "wrong password for DIGEST": {**_DIGEST, "bind_pw": "no"},
    "no password": {**_DIGEST, "bind_pw": ""},
    "no name": {**_DIGEST, "bind_dn": ""},
    "unknown name": {**_SCRAM, "bind_dn": "nobody"},
    "realm": {**_DIGEST, "sasl_realm": "example.test"},
    "as itself": {**_SCRAM, "sasl_authz_id": "dn:cn=mail,dc=test"},
    "as somebody else": {**_SCRAM, "sasl_authz_id": "dn:uid=alice,dc=test"},
    "strength": {**_DIGEST, "sasl_minssf": "56"},
    "strength of TLS": {**_SCRAM, **_ENCRYPTED, "sasl_minssf": "56"},
    "negative strength": {**_SCRAM, "sasl_minssf": "-1"},
    "bad strength": {**_SCRAM, "sasl_minssf": "much"},
    "too much strength": {**_SCRAM, "sasl_minssf": "4097"},
    "bad strength without SASL": {"sasl_minssf": "much"},
    "version 2 with SASL": {**_SCRAM, "version": "2"},
    "TLS": _ENCRYPTED,
    "TLS, version 2": {**_ENCRYPTED, "version": "2"},
    "STARTTLS": {**_TLS, "start_tls": "yes"},
    "STARTTLS, version 2": {**_TLS, "start_tls": "yes", "version": "2"},
    "STARTTLS, version 9": {**_TLS, "start_tls": "yes", "version": "9"},
    "EXTERNAL with a certificate": {**_ENCRYPTED, **_EXTERNAL},
    "EXTERNAL with a certificate after STARTTLS": {**_TLS, **_EXTERNAL, "start_tls": "yes"},
    "no authority": {"server_host": "{encrypted}", "tls_require_cert": "yes"},
    "authority that is not there": {**_ENCRYPTED, "tls_ca_cert_file": "/nonexistent"},
    "certificate that is not there": {**_ENCRYPTED, **_OWN, "tls_cert": "/nonexistent"},
    "key that is not there": {**_ENCRYPTED, **_OWN, "tls_key": "/nonexistent"},
    "certificate without a key": {**_ENCRYPTED, "tls_cert": "{own.file}"},
    "certificate that is not needed": {**_OWN, "tls_cert": "/nonexistent"},
    "random file": {**_ENCRYPTED, "tls_random_file": "/dev/urandom"},
    "ciphers": {**_ENCRYPTED, "tls_cipher_suite": "NORMAL"},
    "bad ciphers": {**_ENCRYPTED, "tls_cipher_suite": "NONSENSE"},
    "bad debug level": {"debuglevel": "much"},
}

# Replies as they go over the line; what a server has for a key that is not here is "not found".
TCP = {"plain": "200 value", "two words": "200 two%20words", "percent": "200 100%25", "utf": "200 %C3%A9", "later": "400 busy", "none": "500 no",
       "empty": "200 ", "bad": "999 what", "words": "no number", "encoded": "200 a%0Ab", "wrong": "200 a%zz"}
SOCKETMAP = {"plain": "OK value", "two words": "OK two words", "empty": "OK ", "none": "NOTFOUND ", "nobody": "NOTFOUND reason",
             "later": "TEMP busy", "slow": "TIMEOUT too late", "never": "PERM no", "bad": "WHAT is this", "lower": "ok value", "utf": "OK é"}
_LOWER = "alice@example.com one\nalice two\nexample.com three\n"
_MAP = _LOWER + "CAPITAL four\n"
_RULES = "/^al(.*)@/ hit $1\n/^x/ x\n"
PROXIED_FILES = {"hash": _MAP, "btree": _MAP, "lmdb": _MAP, "cdb": _MAP, "texthash": _LOWER, "regexp": _RULES, "pcre": _RULES,
                 "cidr": "192.0.2.0/24 net\n"}
PROXIED = ["inline:{alice=b,c=d}", "static:all", "unionmap:{static:x,inline:{alice=b}}", "pipemap:{inline:{alice=b},inline:{b=c}}",
           "unix:passwd.byname", "fail:x"]
PROXIED_KEYS = ["alice@example.com", "alice", "ALICE", "capital", "example.com", "nobody", "xyz", "192.0.2.1", "é", "a b"]
