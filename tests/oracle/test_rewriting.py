"""Hundreds of addresses through rewriting and routing of both suites: what each becomes, which transport takes it to which
next hop, in several configurations. All transports are the discard agent, which logs its next hop as the text of the delivery."""
import re

import pytest

from harness.instance import Instance
from harness.peer import Peer
from harness.suite import Suite
from harness.waiting import wait_for

LOCAL_PARTS = ["user", "USER", "user+ext", "user+ext+more", "user-ext", "first.last", '"quo ted"', '"user+ext"', "+ext", "user+", "unknown", "moved",
               "postmaster", "a=b", "root", "double-bounce", "mailer-daemon", "o'brien", '"a@b"', "a%b.test", "a!b", "listed", "canon"]
DOMAINS = ["mx.example.test", "MX.EXAMPLE.TEST", "example.test", "sub.example.test", "valias.test", "sub.valias.test", "virt.test", "sub.virt.test",
           "relay.test", "sub.relay.test", "deep.sub.relay.test", "other.test", "sub.other.test", "routed.test", "sub.routed.test", "a.b.routed.test",
           "noop.test", "hop.test", "reset.test", "plain", "localhost", "[127.0.0.1]", "[192.0.2.1]", "broken.test", "error.test", "gone.test"]
ODD = ["user", "USER", "user+ext", "plain!user", "other.test!user", "a!b!user@virt.test", "user%other.test", "user%virt.test@mx.example.test",
       "user%a%b.test@mx.example.test", "user%plain", "@relay.test:user@other.test", "@a.test,@b.test:user@virt.test", '"user%other.test"@mx.example.test',
       '"user@other.test"@mx.example.test', '"other.test!user"@mx.example.test', '"user"@other.test', '"us\\er"@other.test', '""@other.test', '"user@"@other.test',
       "user@other.test.", "user@virt.test.", "user@relay.test.", "user@plain.", "unknown+x@valias.test", "user@xn--bcher-kva.test", "user@1.2.3.4",
       "user@a_b.test", "-user@other.test", "user%@mx.example.test", "%user@mx.example.test", "!user@mx.example.test", "user!@mx.example.test", "a%b%c%d@example.test",
       "user@sub.mx.example.test", "user/x@other.test", "user@other.test%mx.example.test", "owner-user@valias.test", "user-request@valias.test",
       "owner-x@routed.test", "user-request@routed.test", "moved-request@other.test", "many@valias.test", "loop@valias.test", "outside@valias.test",
       "deep0@valias.test", "anyone@catchall.test", "listed+x@catchall.test", "root+x", "listed", "canon", "bcc@other.test"]

CLASSES = {
    "mydestination": "mx.example.test, localhost, example.test, .routed.test", "virtual_alias_domains": "valias.test, catchall.test, .other.test",
    "virtual_mailbox_domains": "virt.test, .virt.test", "relay_domains": "relay.test", "local_recipient_maps": "", "virtual_mailbox_maps": "",
    "virtual_alias_maps": "texthash:{config}/aliases", "recipient_delimiter": "+",
}
ALIASES = """user@valias.test user@other.test
first.last@valias.test local-name
many@valias.test one@other.test, two@virt.test three+x@relay.test
loop@valias.test loop@valias.test
outside@valias.test user+kept@routed.test
deep0@valias.test deep1@valias.test
deep1@valias.test deep2@valias.test, user@valias.test
deep2@valias.test end@deep.test
@catchall.test caught@other.test
listed@catchall.test @mx.example.test
user+ext@valias.test extended@other.test
root admin@other.test
"quo ted" quoted@other.test
"""
TRANSPORTS = """routed.test smtp:[hop.routed]:26
.routed.test relay:sub.hop
user@routed.test lmtp:unix:private/x
user+ext@routed.test virtual:
noop.test :
hop.test :[elsewhere.test]
reset.test relay:
broken.test error:5.7.0 not this one
error.test retry:
moved@other.test local:$myhostname
* relay:star.hop
"""
ROUTED = {"transport_maps": "texthash:{config}/transport", "relocated_maps": "inline:{{moved@other.test=new@place.test}, {@gone.test=all gone}}"}
CONFIGURATIONS = {
    "classes": {**CLASSES},
    "no relay class": {**CLASSES, "relay_domains": "", "mydestination": "", "recipient_delimiter": "", "append_dot_mydomain": "yes"},
    "switches off": {**CLASSES, "swap_bangpath": "no", "allow_percent_hack": "no", "resolve_dequoted_address": "no", "allow_min_user": "yes",
                     "recipient_delimiter": "-+", "append_dot_mydomain": "yes"},
    "unqualified stay": {**CLASSES, "append_at_myorigin": "no", "resolve_null_domain": "yes", "empty_address_recipient": "nobody", "resolve_numeric_domain": "yes"},
    "relayhost": {**CLASSES, "relayhost": "[hub.test]:587", "local_transport": "lmtp:unix:/x", "virtual_transport": "lmtp:inet:store.test", "relay_transport": "relay:back.test"},
    "routes": {**CLASSES, **ROUTED, "relayhost": "hub.test"},
    "routes and parents": {**CLASSES, **ROUTED, "parent_domain_matches_subdomains": "transport_maps, relay_domains, virtual_mailbox_domains, virtual_alias_domains, mydestination",
                           "default_transport": "lmtp:default.test"},
    "by sender": {**CLASSES, "sender_dependent_relayhost_maps": "inline:{{@client.test=[byclient.test]}}",
                  "sender_dependent_default_transport_maps": "inline:{{sender@client.test=relay:bysender.test:99}}", "relayhost": "hub.test"},
    "canonical": {**CLASSES, "canonical_maps": "inline:{{canon=first.last@other.test}, {listed@other.test=x+y@virt.test}, {@sub.other.test=@other.test}}",
                  "recipient_canonical_maps": "inline:{{user@relay.test=USER@Mixed.test}}", "masquerade_domains": "example.test !keep.example.test",
                  "masquerade_classes": "envelope_recipient, envelope_sender, header_sender", "recipient_bcc_maps": "inline:{{bcc@other.test=copy@virt.test}}",
                  "propagate_unmatched_extensions": "canonical, virtual"},
    "nothing propagated": {**CLASSES, "propagate_unmatched_extensions": "", "canonical_maps": "inline:{{user@other.test=mapped@other.test}}"},
    "owners are special": {**CLASSES, **ROUTED, "recipient_delimiter": "-"},
    "owners are not special": {**CLASSES, **ROUTED, "recipient_delimiter": "-", "owner_request_special": "no"},
    "subdomains of relays": {**CLASSES, "relay_domains": ".relay.test, hop.test", "parent_domain_matches_subdomains": "", "transport_maps": "inline:{{.sub.relay.test=lmtp:}, {com=smtp:no}}"},
}


def addresses():
    return [*(f"{local}@{domain}" for domain in DOMAINS for local in LOCAL_PARTS), *ODD]


def test_there_are_hundreds():
    assert len(addresses()) > 500


class Routes:
    """A suite whose transports only say what they were asked."""

    def __init__(self, suite, folder, settings):
        mta = self.mta = Instance(suite, folder / suite.name, "mx")
        (mta.config / "aliases").write_text(ALIASES)
        (mta.config / "transport").write_text(TRANSPORTS)
        for name in ("smtp", "relay", "local", "virtual", "lmtp"):
            mta.service(name, command=f"discard -o syslog_name=via-{name}", unpriv="-")
        roomy = {"default_destination_recipient_limit": "1000", **dict.fromkeys(
            ("smtpd_recipient_limit", "smtpd_hard_error_limit", "smtpd_soft_error_limit"), "10000")}
        access = {"smtpd_recipient_restrictions": "permit_mynetworks, reject", "smtpd_relay_restrictions": "",
                  "smtpd_reject_unlisted_recipient": "no", "smtpd_error_sleep_time": "0"}
        own = {name: value.replace("{config}", str(mta.config)) for name, value in settings.items()}
        mta.configure(**{**roomy, **access, "mail_name": "Postfix", **own})
        mta.start()

    def answers(self, asked):
        """For each address: the reply, and what became of it."""
        replies = {}
        with Peer(("127.0.0.1", self.mta.port)) as peer:
            peer.command("MAIL FROM:<sender@client.test>", 250)
            for address in asked:
                reply = peer.command(f"RCPT TO:<{address}>")
                replies[address] = reply.text if reply.code != 250 else "taken"
            queue_id = peer.content(b"Subject: x\r\n\r\nx\r\n").queue_id
        wait_for(lambda: self.mta.log.has(rf"^{queue_id}: (removed|from=.*status=expired)") or self.mta.log.has(rf"^{queue_id}: .*status=deferred"),
                 lambda: f"the message of {self.mta.suite.name} is delivered; {self.mta.log.text()[-3000:]}", 120)
        wait_for(lambda: not self.mta.queued("active", "incoming"), "the queue manager is done", 60)
        return replies, self.outcomes(queue_id)

    def outcomes(self, queue_id):
        found = set()
        for line in self.mta.log.lines():
            match = re.match(rf"{queue_id}: to=<(.*?)>, (?:orig_to=<(.*?)>, )?relay=([^,]+), .*dsn=([\d.]+), status=(\w+) \((.*)\)$", line.text)
            if match:
                to, original, relay, *rest = match.groups()
                process = line.ident.removeprefix("postfix/")
                if "postmaster notification discarded" in rest[-1]:      # our queue manager lets discard do it
                    process = "discard"
                found.add((original or to, to, process, relay, *rest))
        return found


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_addresses_are_rewritten_and_routed_alike(name, folder):
    ours_suite = Suite.posthouse()
    assert not ours_suite.missing()
    answers = []
    for suite in (Suite.reference(), ours_suite):
        routes = Routes(suite, folder, CONFIGURATIONS[name])
        try:
            answers.append(routes.answers(addresses()))
        finally:
            routes.mta.check()
    (their_replies, theirs), (our_replies, ours) = answers
    different = [f"RCPT TO:<{address}>: Postfix {their_replies[address]}, ours {our_replies[address]}" for address in their_replies
                 if their_replies[address] != our_replies[address]]
    different += [f"only Postfix: {line}" for line in sorted(theirs - ours)] + [f"only ours: {line}" for line in sorted(ours - theirs)]
    assert len(theirs) > 400
    assert not different, f"{len(different)} differences:\n" + "\n".join(different)
