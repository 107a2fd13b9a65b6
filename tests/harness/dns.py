"""An authoritative DNS server on loopback (UDP and TCP) from zone text.

    DnsServer("example.test. 60 MX 10 mx.example.test.\nmx.example.test. 60 A 127.0.0.5")

Names outside the zone text are NXDOMAIN. fail(name) makes a name answer SERVFAIL, hang(name) nothing."""
import os

from dnslib import QTYPE, RCODE, RR
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from .ports import free_port


class _Zone(BaseResolver):
    def __init__(self, text):
        self.records = RR.fromZone(text)
        self.failing = set()
        self.hanging = set()
        self.questions = []

    def resolve(self, request, handler):
        question = request.q
        name = str(question.qname).lower()
        self.questions.append((name, QTYPE[question.qtype]))
        reply = request.reply()
        reply.header.ra = 1
        if name in self.hanging:
            raise _NoAnswer
        if {(name, None), (name, QTYPE[question.qtype])} & self.failing:
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        found = self._follow(name, question.qtype)
        for record in found:
            reply.add_answer(record)
        if not any(str(record.rname).lower() == name or str(record.rname).lower().endswith("." + name)
                   for record in self.records):
            reply.header.rcode = RCODE.NXDOMAIN
        return reply

    def _follow(self, name, kind):
        found = []
        for _ in range(8):
            here = [record for record in self.records if str(record.rname).lower() == name]
            found += [record for record in here if record.rtype == kind or kind == QTYPE.ANY]
            alias = [record for record in here if record.rtype == QTYPE.CNAME and kind != QTYPE.CNAME]
            if not alias:
                break
            found += alias
            name = str(alias[0].rdata.label).lower()
        return found


class _NoAnswer(Exception):
    pass


class _Quiet(DNSLogger):
    def __init__(self):
        super().__init__("-request,-reply,-truncated,-error")

    def log_error(self, *unused):
        pass


class DnsServer:
    def __init__(self, zone="", host="127.0.0.1", port=0):
        self._zone = _Zone(zone)
        self.host = host
        self.port = port or free_port(host)
        self._udp = DNSServer(self._zone, address=host, port=self.port, logger=_Quiet())
        self._udp.server.handle_error = lambda *unused: None
        self._tcp = DNSServer(self._zone, address=host, port=self.port, tcp=True, logger=_Quiet())
        self._tcp.server.handle_error = lambda *unused: None
        self._udp.start_thread()
        self._tcp.start_thread()

    @classmethod
    def on_port_53(cls, zone=""):
        """On an address of this test process alone; needs root."""
        return cls(zone, host=f"127.0.{os.getpid() % 200 + 20}.{os.getpid() % 250 + 1}", port=53)

    def serve(self, mta):
        """`mta` asks this server: named in main.cf, or for the reference (port 53) in a resolv.conf that only it sees."""
        if mta.suite.is_posthouse:
            mta.configure(dns_resolver_servers=f"{self.host}:{self.port}")
            return
        path = mta.folder / "resolv.conf"
        path.write_text(f"nameserver {self.host}\noptions timeout:2 attempts:2\n")
        path.chmod(0o644)
        mta.mounts["/etc/resolv.conf"] = path

    @property
    def questions(self):
        return self._zone.questions

    def add(self, zone):
        self._zone.records = self._zone.records + RR.fromZone(zone)

    def fail(self, name, kind=None):
        """Questions about the name, or those for one kind of record ("MX")."""
        self._zone.failing.add((name.lower().rstrip(".") + ".", kind))

    def hang(self, name):
        self._zone.hanging.add(name.lower().rstrip(".") + ".")

    def heal(self):
        self._zone.failing.clear()
        self._zone.hanging.clear()

    def stop(self):
        for server in (self._udp, self._tcp):
            server.stop()
            server.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
