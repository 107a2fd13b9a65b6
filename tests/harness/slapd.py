"""A private OpenLDAP server. cn=mail,dc=test may read, everybody else nothing. Who proves with SASL to be "mail" is cn=mail, and so are
the user of the tests on the local socket and the owner of a certificate for "client"."""
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

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
authz-regexp "gidNumber=[0-9]+[+]uidNumber={user},cn=peercred,cn=external,cn=auth" "cn=mail,dc=test"
authz-regexp "uid=([^,]*),(cn=[^,]*,)?cn=[^,]*,cn=auth" "cn=$1,dc=test"
authz-regexp "cn=client" "cn=mail,dc=test"
database mdb
suffix "dc=test"
directory {folder}/data
rootdn "cn=root,dc=test"
rootpw "root pass"
access to dn.base="cn=mail,dc=test" by dn="cn=mail,dc=test" read by * auth
access to * by dn="cn=mail,dc=test" read by * none
"""
TLS = """TLSCACertificateFile {ca}
TLSCertificateFile {certificate.file}
TLSCertificateKeyFile {certificate.key}
TLSVerifyClient {client_certificate}"""
DIRECTORY = """dn: dc=test
objectClass: domain
dc: test

dn: cn=mail,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: mail
userPassword: mail pass

dn: uid=alice,dc=test
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: A
sn;lang-de: Ah
sn;lang-fr: Aa
mail: alice@example.com
mail: a.lice@example.com
description: first

dn: uid=bob,dc=test
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: B
mail: bob@example.com

dn: uid=o\\27b(*),dc=test
objectClass: inetOrgPerson
uid: o'b(*)
cn: Odd
sn: O
mail: odd@example.com

dn: uid=nomail,dc=test
objectClass: inetOrgPerson
uid: nomail
cn: Nomail
sn: N

dn: cn=team,dc=test
objectClass: groupOfNames
cn: team
member: uid=alice,dc=test
member: uid=bob,dc=test

dn: cn=all,dc=test
objectClass: groupOfNames
cn: all
member: cn=team,dc=test
member: cn=all,dc=test
member: uid=nobody,dc=test
"""
URLS = {"everything": "ldap:///uid=alice,dc=test??base", "mail": "ldap:///uid=alice,dc=test?mail?base", "name": "ldap:///uid=alice,dc=test?cn?base",
        "two": "ldap:///uid=alice,dc=test?pager,MAIL?base", "nothing": "ldap:///uid=alice,dc=test?pager?base",
        "star": "ldap:///uid=alice,dc=test?*?base", "search": "ldap:///dc=test?mail?sub?(uid=bob)", "group": "ldap:///dc=test?member?sub?(cn=team)",
        "group without members": "ldap:///dc=test?mail?sub?(cn=team)", "host": "ldap://other.test/uid=alice,dc=test?mail?base",
        "option": "ldap:///uid=alice,dc=test?sn;lang-de?base", "surname": "ldap:///uid=alice,dc=test?sn?base"}
PROGRAM = shutil.which("slapd", path="/usr/sbin:/usr/bin:/sbin")


def directory():
    """LDIF of all entries. For each of URLS there is one that has the name as cn and the URL as labeledURI."""
    return DIRECTORY + "".join(f"\ndn: cn=url-{name},dc=test\nobjectClass: organizationalRole\nobjectClass: labeledURIObject\ncn: {name}\n"
                               f"labeledURI: {url}\n" for name, url in URLS.items())


class Slapd:
    """`settings`: of a table that asks this server for mail by uid. `client_certificate`: TLSVerifyClient of slapd.conf."""

    def __init__(self, folder, authority=None, certificate=None, client_certificate="try"):
        self.folder = Path(folder)
        self.port = free_port()
        self.plain = f"ldap://127.0.0.1:{self.port}"
        self.encrypted = f"ldaps://127.0.0.1:{free_port()}" if authority else None
        self.local = f"ldapi://{quote(str(self.folder / 'socket'), safe='')}"
        self.tls = TLS.format(ca=authority.file, certificate=certificate, client_certificate=client_certificate) if authority else ""
        self.settings = {"server_host": self.plain, "version": "3", "search_base": "dc=test", "bind_dn": "cn=mail,dc=test",
                         "bind_pw": "mail pass", "query_filter": "(uid=%s)", "result_attribute": "mail"}
        self.server = None

    def start(self):
        (self.folder / "data").mkdir(parents=True)
        conf = self.folder / "conf"
        conf.write_text(CONF.format(folder=self.folder, tls=self.tls, user=os.geteuid()))
        subprocess.run([PROGRAM, "-T", "add", "-f", conf], input=directory().encode(), check=True, capture_output=True)
        user = []
        if IS_ROOT:
            subprocess.run(["chown", "-R", "openldap:openldap", self.folder], check=True)
            user = ["-u", "openldap", "-g", "openldap"]
        urls = [self.plain, f"{self.local}/????!x-mod=0777", *([self.encrypted] if self.encrypted else [])]
        self.server = Server(self.port, PROGRAM, "-f", conf, "-d", "0", "-h", " ".join(urls), *user)
        return self

    def hang(self):
        self.server.hang()

    def resume(self):
        self.server.resume()

    def stop(self):
        self.server.stop()
