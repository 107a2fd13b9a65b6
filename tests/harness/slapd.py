"""A private OpenLDAP server: cn=mail,dc=test may read, everybody else nothing."""
import shutil
import subprocess
from pathlib import Path

from .instance import IS_ROOT
from .ports import free_port
from .server import Server

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
{tls}
database mdb
suffix "dc=test"
directory {folder}/data
rootdn "cn=root,dc=test"
rootpw "root pass"
access to attrs=userPassword by anonymous auth
access to * by dn="cn=mail,dc=test" read by * none
"""
TLS = """TLSCACertificateFile {ca}
TLSCertificateFile {certificate.file}
TLSCertificateKeyFile {certificate.key}"""
READER = """dn: dc=test
objectClass: domain
dc: test

dn: cn=mail,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: mail
userPassword: mail pass

"""
PROGRAM = shutil.which("slapd", path="/usr/sbin:/usr/bin:/sbin")


class Slapd:
    """`entries`: LDIF below dc=test; `settings`: of a table that asks this server for mail by uid."""

    def __init__(self, folder, entries, authority=None, certificate=None):
        self.folder, self.entries = Path(folder), entries
        self.port = free_port()
        self.encrypted = free_port() if authority else None
        self.tls = TLS.format(ca=authority.file, certificate=certificate) if authority else ""
        self.settings = {"server_host": f"ldap://127.0.0.1:{self.port}", "version": "3", "search_base": "dc=test",
                         "bind_dn": "cn=mail,dc=test", "bind_pw": "mail pass", "query_filter": "(uid=%s)", "result_attribute": "mail"}
        self.server = None

    def start(self):
        (self.folder / "data").mkdir(parents=True)
        conf = self.folder / "conf"
        conf.write_text(CONF.format(folder=self.folder, tls=self.tls))
        subprocess.run([PROGRAM, "-T", "add", "-f", conf], input=(READER + self.entries).encode(), check=True, capture_output=True)
        user = []
        if IS_ROOT:
            subprocess.run(["chown", "-R", "openldap:openldap", self.folder], check=True)
            user = ["-u", "openldap", "-g", "openldap"]
        urls = f"ldap://127.0.0.1:{self.port}" + (f" ldaps://127.0.0.1:{self.encrypted}" if self.encrypted else "")
        self.server = Server(self.port, PROGRAM, "-f", conf, "-d", "0", "-h", urls, *user)
        return self

    def hang(self):
        self.server.hang()

    def stop(self):
        self.server.stop()
