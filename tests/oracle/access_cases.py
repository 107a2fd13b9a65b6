"""What smtpd is asked about access control: tables, names in the DNS, listeners and dialogues.

A dialogue is a list of lines. `client(...)` becomes XCLIENT and a new greeting; `MAIL` and the like are sent as they are;
MESSAGE is sent only after 354."""

import re

MESSAGE = "Subject: x\r\n\r\nx\r\n."
STATUSES = ["5.0.0", "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.5", "5.1.6", "5.1.7", "5.1.8", "5.1.9", "5.1.10", "5.2.1", "5.4.1",
            "5.7.1", "5.7.27", "4.1.1", "4.1.8", "2.1.5"]

# Name of the key: action.
ACTIONS = {
    "reject": "REJECT", "reject-text": "REJECT go away", "reject-lower": "reject go  away",
    "defer": "DEFER", "defer-text": "DEFER later please", "defer-status": "DEFER 4.1.8 later",
    "if-reject": "DEFER_IF_REJECT", "if-reject-text": "DEFER_IF_REJECT wait", "if-reject-status": "DEFER_IF_REJECT 4.1.8 wait",
    "if-permit": "DEFER_IF_PERMIT", "if-permit-text": "DEFER_IF_PERMIT wait", "if-permit-status": "DEFER_IF_PERMIT 5.1.1 wait",
    "hangup": "HANGUP", "hangup-text": "HANGUP go", "info": "INFO", "info-text": "INFO look at it", "warn": "WARN", "warn-text": "WARN look at it",
    "dunno": "DUNNO", "ok": "OK", "ok-text": "OK whatever", "relay": "RELAY", "digits": "1234567", "two-digits": "12", "permit": "permit",
    "four": "450 4.7.9 later", "four-text": "451 later", "four-bare": "450", "five": "550 5.7.9 no", "five-text": "554 no", "five-bare": "550",
    "odd-class": "550 4.7.9 no", "two": "250 fine", "six": "650 what", "bye-421": "421 4.3.2 bye", "bye-521": "521 5.7.1 bye",
    "filter": "FILTER discard:there", "filter-no-destination": "FILTER discard:", "filter-bad": "FILTER nowhere", "filter-bare": "FILTER",
    "hold": "HOLD", "hold-text": "HOLD for a look", "discard": "DISCARD", "discard-text": "DISCARD for good",
    "redirect": "REDIRECT bob@virt.test", "redirect-bad": "REDIRECT bob", "redirect-bare": "REDIRECT",
    "bcc": "BCC bob@virt.test", "bcc-bad": "BCC bob", "bcc-bare": "BCC",
    "prepend": "PREPEND X-Seen: yes", "prepend-bad": "PREPEND no header", "prepend-bare": "PREPEND", "prepend-name": "PREPEND X-Empty:",
    "class": "closed", "class-text": "closed reject", "class-waiting": "waiting", "class-postponing": "postponing", "list": "permit_mynetworks, reject", "list-spaces": "reject_unauth_destination  permit", "nonsense": "NONSENSE", "nonsense-text": "what is this",
    "lookup": "check_sender_access texthash:/x",
    **{f"status-{status}": f"REJECT {status} text" for status in STATUSES},
}

ZONE = """
test. 60 NS ns.test.
ns.test. 60 A 192.0.2.96
friend.test. 60 A 192.0.2.80
friend.test. 60 MX 10 mx.friend.test.
mx.friend.test. 60 A 192.0.2.81
six.test. 60 AAAA 2001:db8::5
nullmx.test. 60 MX 0 .
emptymx.test. 60 MX 10 .
mixedmx.test. 60 MX 0 .
mixedmx.test. 60 MX 10 mx.friend.test.
badmx.test. 60 MX 10 -bad-.test.
literalmx.test. 60 MX 10 192.0.2.1.
onlytxt.test. 60 TXT "x"
alias.test. 60 CNAME friend.test.
backup.test. 60 MX 10 mx.friend.test.
backup.test. 60 MX 20 mx.example.test.
mx.example.test. 60 A 127.0.0.1
by-name.test. 60 MX 10 mail.by-name-host.test.
mail.by-name-host.test. 60 A 192.0.2.90
by-address.test. 60 MX 10 mail.by-address-host.test.
mail.by-address-host.test. 60 A 192.0.2.91
by-address6.test. 60 MX 10 mail6.by-address-host.test.
mail6.by-address-host.test. 60 AAAA 2001:db8::91
by-ok.test. 60 MX 10 mail.by-ok-host.test.
mail.by-ok-host.test. 60 A 192.0.2.92
by-permit.test. 60 MX 10 mail.by-permit-host.test.
mail.by-permit-host.test. 60 A 192.0.2.93
by-dunno.test. 60 MX 10 mail.by-dunno-host.test.
mail.by-dunno-host.test. 60 A 192.0.2.90
by-wait.test. 60 MX 10 mail.by-wait-host.test.
mail.by-wait-host.test. 60 A 192.0.2.94
by-server.test. 60 NS ns.by-name-host.test.
ns.by-name-host.test. 60 A 192.0.2.95
by-own-address.test. 60 A 192.0.2.91
deaf-host.test. 60 MX 10 mail.deaf.test.
no-such-host.test. 60 MX 10 mail.missing.test.
4.2.0.192.rbl.test. 60 A 127.0.0.2
4.2.0.192.rbl.test. 60 TXT "seen in a trap $client_name"
4.2.0.192.replied.rbl.test. 60 A 127.0.0.2
4.2.0.192.replied.rbl.test. 60 TXT "why & how"
5.2.0.192.replied.rbl.test. 60 A 127.0.0.2
4.2.0.192.short.rbl.test. 60 A 127.0.0.2
4.2.0.192.wrong.rbl.test. 60 A 127.0.0.2
halfmx.test. 60 MX 10 -bad-.test.
halfmx.test. 60 MX 20 mx.friend.test.
by-lame.test. 60 NS ns.missing.test.
5.2.0.192.rbl.test. 60 A 127.0.0.3
6.2.0.192.rbl.test. 60 A 192.0.2.3
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.rbl.test. 60 A 127.0.0.2
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.rbl.test. 60 TXT "six"
bad.test.rbl.test. 60 A 127.0.0.4
bad.test.rbl.test. 60 TXT "bad name"
7.2.0.192.wl.test. 60 A 127.0.0.2
good.test.wl.test. 60 A 127.0.0.2
"""
FAILING = ["deaf.test", "mail.deaf.test", "7.2.0.192.rbl.test", "deaf.test.rbl.test", "8.2.0.192.wl.test", "deaf.test.wl.test"]

HOSTS = """by-name-host.test REJECT by name
192.0.2.91 REJECT by address
2001:db8::91 REJECT by address
by-ok-host.test OK
by-permit-host.test permit
by-dunno-host.test DUNNO
by-wait-host.test DEFER_IF_PERMIT wait
"""

# Keys of other forms than a whole name.
NETWORKS = "192.0.2.77 REJECT the host\n192.0.78 REJECT the network\n192.1 REJECT half\n193 REJECT a quarter\n2001:db8:0:1 REJECT six\nunknown REJECT no name\n"
ADDRESSES = ("net.test REJECT the domain\nuser+ext@ext.test REJECT with extension\nplain@ext.test REJECT without\nsome+one@ REJECT part with extension\n"
             "anybody@ REJECT part\n<> REJECT nobody\n.dot.test REJECT below\nquoted\\ one@q.test REJECT quoted\n")


def keys(suffix):
    return "".join(f"{name}{suffix} {action}\n" for name, action in ACTIONS.items())


def files():
    """Name and text of each table."""
    return {
        "client": keys(".client.test") + NETWORKS, "reverse": keys(".reverse.test"), "helo": keys(".helo.test"),
        "sender": keys("@sender.test") + ADDRESSES, "recipient": keys("@virt.test") + ADDRESSES,
        "data": keys("@data.test"), "end": keys("@end.test"), "etrn": keys(".etrn.test"), "hosts": HOSTS,
        "by-sender": "".join(f"{name}@rule.test {text}\n" for name, text in RULES.items()),
        "by-recipient": "".join(f"{name}@virt.test {text}\n" for name, text in RULES.items()),
        "one-recipient": "single@virt.test REJECT the one\nok@virt.test OK\n",
        "replies": REPLIES, "log-these": "permit_mynetworks x\n",
    }


# Restriction lists that a table's result names: at the recipient NAME@virt.test, or for the sender NAME@rule.test.
RULES = {
    "permit": "permit", "reject": "reject", "defer": "defer", "defer-if-permit": "defer_if_permit", "defer-if-reject": "defer_if_reject, reject",
    "defer-if-both": "defer_if_permit, defer_if_reject, reject", "defer-if-both-2": "defer_if_reject, defer_if_permit, reject",
    "defer-if-twice": "reject_unknown_sender_domain, defer_if_permit", "class-if-reject": "waiting, reject", "class-if-permit": "postponing, reject", "warn-if-reject": "warn_if_reject defer_if_reject, reject",
    "defer-if-reject-defer": "defer_if_reject, defer", "two-reject": "defer_if_reject, defer_if_reject, reject", "warn": "warn_if_reject reject", "warn-defer": "warn_if_reject defer_if_permit",
    "warn-none": "warn_if_reject", "old-relay": "check_relay_domains",
    "mynetworks": "permit_mynetworks, reject", "inet": "permit_inet_interfaces, reject", "sasl": "permit_sasl_authenticated, reject",
    "tls": "permit_tls_clientcerts, permit_tls_all_clientcerts, reject", "naked": "permit_naked_ip_address, reject",
    "unknown-client": "reject_unknown_client_hostname", "unknown-client-old": "reject_unknown_client", "unknown-reverse": "reject_unknown_reverse_client_hostname",
    "pipelining": "reject_unauth_pipelining", "plaintext": "reject_plaintext_session", "multi-bounce": "reject_multi_recipient_bounce",
    "invalid-helo": "reject_invalid_helo_hostname", "fqdn-helo": "reject_non_fqdn_helo_hostname", "unknown-helo": "reject_unknown_helo_hostname",
    "fqdn-sender": "reject_non_fqdn_sender", "unknown-sender": "reject_unknown_sender_domain", "unlisted-sender": "reject_unlisted_sender",
    "fqdn-recipient": "reject_non_fqdn_recipient", "unknown-recipient": "reject_unknown_recipient_domain", "unlisted-recipient": "reject_unlisted_recipient",
    "unauth": "reject_unauth_destination", "unauth-defer": "defer_unauth_destination", "auth": "permit_auth_destination, reject", "backup": "permit_mx_backup, reject",
    "login": "reject_sender_login_mismatch", "login-anonymous": "reject_unauthenticated_sender_login_mismatch",
    "rbl": "reject_rbl_client rbl.test", "rbl-some": "reject_rbl_client rbl.test=127.0.0.[3..9]", "rbl-warn": "warn_if_reject reject_rbl_client rbl.test",
    "rbl-reply": "reject_rbl_client replied.rbl.test", "rbl-reply-some": "reject_rbl_client replied.rbl.test=127.0.0.2",
    "rbl-short": "reject_rbl_client short.rbl.test", "rbl-wrong": "reject_rbl_client wrong.rbl.test", "rhsbl-client": "reject_rhsbl_client rbl.test", "rhsbl-reverse": "reject_rhsbl_reverse_client rbl.test",
    "rhsbl-helo": "reject_rhsbl_helo rbl.test", "rhsbl-sender": "reject_rhsbl_sender rbl.test", "rhsbl-recipient": "reject_rhsbl_recipient rbl.test",
    "dnswl": "permit_dnswl_client wl.test, reject", "rhswl": "permit_rhswl_client wl.test, reject",
}

# Templates of rbl_reply_maps; the list's name is the key.
REPLIES = """replied.rbl.test $rbl_code 5.1.1 $rbl_class <$rbl_what> $client $client_address $client_name $reverse_client_name $helo_name $rbl_domain ${rbl_reason?because $rbl_reason} $recipient $recipient_domain $recipient_name $sender $sender_domain $sender_name
replied.rbl.test=127.0.0.2 550 other
short.rbl.test 450
wrong.rbl.test no code here
"""

LISTS = {
    "smtpd_client_restrictions": "check_client_access texthash:{dir}/client, check_reverse_client_hostname_access texthash:{dir}/reverse",
    "smtpd_helo_restrictions": "check_helo_access texthash:{dir}/helo", "smtpd_sender_restrictions": "check_sender_access texthash:{dir}/sender",
    "smtpd_recipient_restrictions": "check_recipient_access texthash:{dir}/recipient", "smtpd_data_restrictions": "check_sender_access texthash:{dir}/data",
    "smtpd_end_of_data_restrictions": "check_sender_access texthash:{dir}/end", "smtpd_etrn_restrictions": "check_etrn_access texthash:{dir}/etrn",
}
HOST_LISTS = {
    f"smtpd_{stage}_restrictions": ", ".join(f"check_{subject}_{kind}_access texthash:{{dir}}/hosts" for subject in subjects for kind in ("mx", "ns", "a"))
    for stage, subjects in {"client": ("client", "reverse_client_hostname"), "helo": ("helo",), "sender": ("sender",), "recipient": ("recipient",)}.items()
}
BY_RULE = {"smtpd_recipient_restrictions": "check_sender_access texthash:{dir}/by-sender, check_recipient_access texthash:{dir}/by-recipient",
           "rbl_reply_maps": "texthash:{dir}/replies", "smtpd_sender_login_maps": "inline:{{owned@friend.test=bob}}"}
CODES = {
    "access_map_reject_code": "571", "access_map_defer_code": "459", "reject_code": "572", "defer_code": "458", "relay_domains_reject_code": "573",
    "unknown_address_reject_code": "550", "unknown_hostname_reject_code": "574", "unknown_client_reject_code": "575", "invalid_hostname_reject_code": "576",
    "non_fqdn_reject_code": "577", "maps_rbl_reject_code": "578", "multi_recipient_bounce_reject_code": "579", "plaintext_reject_code": "457",
    "unknown_local_recipient_reject_code": "456", "unknown_virtual_alias_reject_code": "455", "unknown_virtual_mailbox_reject_code": "453",
    "unknown_relay_recipient_reject_code": "452", "unverified_sender_reject_code": "551", "show_user_unknown_table_name": "no",
}
# Listeners and their settings; the default relay restrictions let only mynetworks and own domains pass.
LISTENERS = {
    "tables": LISTS,
    "early": LISTS | {"smtpd_delay_reject": "no"},
    "dots": LISTS | {"parent_domain_matches_subdomains": ""},
    "null-key": LISTS | {"smtpd_null_access_lookup_key": "anybody@"},
    "hosts": HOST_LISTS,
    "rules": BY_RULE,
    "codes": BY_RULE | CODES,
    "code-tables": LISTS | CODES,
    "tempfail": BY_RULE | {"unknown_address_tempfail_action": "defer", "unknown_helo_hostname_tempfail_action": "defer", "default_rbl_reply": "$rbl_code 4.1.8 $rbl_what is listed"},
    "soft": BY_RULE | {"soft_bounce": "yes"},
    "unlisted": {"smtpd_reject_unlisted_sender": "yes"},
    "mute": {"smtpd_reject_unlisted_recipient": "no"},
    "allowing": {"smtpd_relay_restrictions": "permit_dnswl_client wl.test, permit_rhswl_client wl.test, reject_unauth_destination"},
    "early-allowing": {"smtpd_delay_reject": "no", "smtpd_client_restrictions": "permit_dnswl_client wl.test, permit_rhswl_client wl.test, reject"},
    "allowing-hosts": {"smtpd_relay_restrictions": "check_recipient_mx_access texthash:{dir}/hosts, check_helo_mx_access texthash:{dir}/hosts, reject_unauth_destination"},
    "fail-client": {"smtpd_client_restrictions": "check_client_access fail:x"}, "fail-sender": {"smtpd_sender_restrictions": "check_sender_access fail:x"},
    "fail-warn": {"smtpd_sender_restrictions": "warn_if_reject check_sender_access fail:x"},
    "fail-networks": {"mynetworks": "fail:x"}, "fail-networks-reject": {"mynetworks": "fail:x", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"},
    "fail-networks-rbl": {"mynetworks": "fail:x", "smtpd_client_restrictions": "permit_mynetworks, reject", "smtpd_relay_restrictions": "reject_unauth_destination"},
    "fail-networks-warn": {"mynetworks": "fail:x", "smtpd_client_restrictions": "warn_if_reject permit_mynetworks, warn_if_reject reject", "smtpd_relay_restrictions": "reject_unauth_destination"},
    "fail-replies": BY_RULE | {"rbl_reply_maps": "fail:x"},
    "fail-login": BY_RULE | {"smtpd_sender_login_maps": "fail:x"},
    "one-recipient": {"smtpd_data_restrictions": "check_recipient_access texthash:{dir}/one-recipient", "smtpd_end_of_data_restrictions": "warn_if_reject check_recipient_access texthash:{dir}/one-recipient"},
    "at-data": {"smtpd_data_restrictions": "reject_unauth_pipelining, reject_multi_recipient_bounce"},
    "nested": {"smtpd_recipient_restrictions": "closed"},
    "no-pipelining": {"smtpd_data_restrictions": "reject_unauth_pipelining"}, "strict-pipelining": {"smtpd_forbid_unauth_pipelining": "yes"},
    "short-lines": {"line_length_limit": "600"},
    "logged": {"smtpd_log_access_permit_actions": "static:all", "smtpd_recipient_restrictions": "check_sender_access texthash:{dir}/by-sender, check_sender_access texthash:{dir}/sender, permit_auth_destination"},
    "logged-some": {"smtpd_log_access_permit_actions": "!permit_auth_destination, texthash:{dir}/log-these, static:all", "smtpd_recipient_restrictions": "check_sender_access texthash:{dir}/by-sender, check_sender_access texthash:{dir}/sender, permit_auth_destination"},
    "logged-names": {"smtpd_log_access_permit_actions": "permit, permit_mynetworks", "smtpd_recipient_restrictions": "check_sender_access texthash:{dir}/by-sender, check_sender_access texthash:{dir}/sender, permit_auth_destination"},
}


def client(address="127.0.0.1", name="client.test", reverse=None):
    address = f"IPV6:{address}" if ":" in address else address
    return ["EHLO first.test", f"XCLIENT NAME={name} REVERSE_NAME={reverse or name} ADDR={address}"]


STRANGER = client("192.0.2.1")


def mail(sender="s@friend.test", recipients=("alice@virt.test",), helo="friend.test", message=False):
    lines = [f"EHLO {helo}", f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{recipient}>" for recipient in recipients)]
    return [*lines, "DATA", MESSAGE] if message else lines


TARGETS = ("alice@virt.test", "reject@virt.test", "one@elsewhere.test")


def actions_at(stage, statuses=("5.1.1", "4.1.8")):
    """One dialogue for each action, asked at one stage."""
    for name in ACTIONS:
        if name.startswith("status-") and name.removeprefix("status-") not in statuses:
            continue
        yield {
            "client": [*client("192.0.2.1", f"{name}.client.test"), *mail(recipients=TARGETS), f"ETRN {name}.test"],
            "reverse": [*client("192.0.2.1", "client.test", f"{name}.reverse.test"), *mail(recipients=TARGETS)],
            "helo": [*STRANGER, *mail(recipients=TARGETS, helo=f"{name}.helo.test")],
            "sender": [*STRANGER, *mail(f"{name}@sender.test", TARGETS)],
            "recipient": [*STRANGER, *mail(recipients=(f"{name}@virt.test", "alice@virt.test")), f"VRFY {name}@virt.test"],
            "data": [*STRANGER, *mail(f"{name}@data.test", message=True), "NOOP"],
            "end": [*STRANGER, *mail(f"{name}@end.test", message=True), "NOOP"],
            "etrn": [*STRANGER, "EHLO friend.test", f"ETRN {name}.etrn.test"],
        }[stage]


def lookups():
    for address in ("192.0.2.77", "192.0.78.9", "192.1.2.3", "193.0.0.1", "194.0.0.1", "2001:db8:0:1::9", "2001:db8:0:2::9"):
        yield [*client(address), *mail()]
    yield [*client("192.0.2.1", "[UNAVAILABLE]"), *mail()]
    yield [*client("192.0.2.1", "deep.below.reject.client.test"), *mail()]
    yield [*STRANGER, *mail(helo="below.reject.helo.test")]
    for sender in ("", "x@net.test", "x@sub.net.test", "X@NET.TEST", "user+ext@ext.test", "plain+ext@ext.test", "user@ext.test", "some+one@x.test", "some@x.test",
                   "anybody+x@x.test", "anybody@x.test", "x@dot.test", "x@sub.dot.test", '"quoted one"@q.test', "anybody"):
        yield [*STRANGER, *mail(sender)]
    for recipient in ("anybody@virt.test", "anybody+x@virt.test", "some+one@virt.test", "Reject@VIRT.test"):
        yield [*STRANGER, *mail(recipients=(recipient,))]


HOST_NAMES = ("by-name", "by-address", "by-address6", "by-ok", "by-permit", "by-dunno", "by-wait", "by-server", "sub.by-server", "by-lame", "by-own-address", "deaf", "deaf-host", "no-such-host",
              "missing", "nullmx", "onlytxt")


def hosts():
    for name in HOST_NAMES:
        yield [*client("192.0.2.1", f"{name}.test", "client.test"), *mail()]
        yield [*client("192.0.2.1", "[UNAVAILABLE]", f"{name}.test"), *mail()]
        yield [*STRANGER, *mail(helo=f"{name}.test")]
        yield [*STRANGER, *mail(f"x@{name}.test")]
        yield [*client(), *mail(recipients=(f"x@{name}.test",))]
    yield [*STRANGER, *mail(helo="[192.0.2.91]")]
    yield [*STRANGER, *mail("x@[192.0.2.91]")]
    yield [*STRANGER, *mail("x@[IPv6:2001:db8::91]")]
    yield [*STRANGER, *mail("")]
    yield [*STRANGER, *mail("local")]
    yield [*STRANGER, *mail(helo="192.0.2.91")]


DOMAINS = ("friend.test", "six.test", "nullmx.test", "emptymx.test", "mixedmx.test", "badmx.test", "halfmx.test", "literalmx.test", "onlytxt.test", "alias.test", "missing.test", "deaf.test",
           "virt.test", "[192.0.2.1]", "short", "a..b", "mx.example.test")


def rule(name, sender="s@friend.test", helo="friend.test", by=STRANGER, recipients=()):
    return [*by, *mail(sender, (f"{name}@virt.test", *recipients), helo)]


def rules():
    """The restrictions one by one, by the recipient's name or, where the recipient is judged, by the sender's."""
    for name in ("permit", "reject", "defer", "defer-if-permit", "defer-if-reject", "defer-if-both", "defer-if-both-2", "class-if-reject", "class-if-permit", "warn-if-reject", "defer-if-reject-defer", "two-reject", "warn", "warn-defer", "warn-none", "sasl", "tls", "naked",
                 "pipelining", "plaintext"):
        yield rule(name)
    for name in ("mynetworks", "inet"):
        yield rule(name, by=client())
    for name in ("unknown-client", "unknown-client-old", "unknown-reverse"):
        for by in (client("192.0.2.1", "[UNAVAILABLE]"), client("192.0.2.1", "[TEMPUNAVAIL]"), client("192.0.2.1", "[UNAVAILABLE]", "x.test"), STRANGER):
            yield rule(name, by=by)
    yield rule("multi-bounce", "", recipients=("multi-bounce@virt.test", "alice@virt.test"))
    for helo in ("friend.test", "short", "-bad-", "under_score.test", "1.2.3.4", "[1.2.3.4]", "[1.2.3]", "missing.test", "deaf.test", "nullmx.test", "six.test", "a..b", "onlytxt.test"):
        for name in ("invalid-helo", "fqdn-helo", "unknown-helo"):
            yield rule(name, helo=helo)
    for domain in DOMAINS:
        for name in ("fqdn-sender", "unknown-sender", "unlisted-sender"):
            yield rule(name, f"x@{domain}")
        for name in ("fqdn-recipient", "unknown-recipient"):
            yield [*client(), *mail(f"{name}@rule.test", (f"x@{domain}",))]
        yield [*STRANGER, *mail("unauth@rule.test", (f"x@{domain}",))]
    for name in ("fqdn-sender", "unknown-sender", "unlisted-sender", "login"):
        yield rule(name, "")
        yield rule(name, "bare")
    for name in ("login", "login-anonymous"):
        yield rule(name, "owned@friend.test")
    for name in ("fqdn-recipient", "unknown-recipient", "unlisted-recipient"):
        yield [*client(), *mail(f"{name}@rule.test", ("bare", "root@mx.example.test", "nobody@nowhere.test", "nobody@mx.example.test", "x@alias-domain.test", "x@relayed.test", "known@relayed.test"))]
    for name in ("unauth", "unauth-defer", "auth", "backup", "old-relay"):
        yield [*client(), *mail(f"{name}@rule.test", ("alice@virt.test", "x@relayed.test", "x@backup.test", "x@friend.test", "x@deaf.test", "x%y.test@virt.test", "known@relayed.test"))]
    for address in ("192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.9", "2001:db8::1"):
        # Postfix remembers a failure and tells it once.
        for name in ("rbl", "dnswl") if address == "192.0.2.7" else ("rbl", "rbl-some", "rbl-warn", "rbl-reply", "dnswl"):
            yield rule(name, by=client(address))
    for name in ("rbl-reply-some", "rbl-short", "rbl-wrong"):
        yield rule(name, by=client("192.0.2.4"))
    yield rule("rbl-reply", "", by=client("192.0.2.4"))
    yield rule("rhsbl-client", by=client("192.0.2.1", "deaf.test"))
    yield rule("rhswl", by=client("192.0.2.1", "deaf.test"))
    for name in ("bad.test", "good.test", "ok.test", "sub.bad.test"):
        yield rule("rhsbl-client", by=client("192.0.2.1", name))
        yield rule("rhsbl-client", by=client("192.0.2.1", "[UNAVAILABLE]", name))
        yield rule("rhsbl-reverse", by=client("192.0.2.1", "[UNAVAILABLE]", name))
        yield rule("rhsbl-helo", helo=name)
        yield rule("rhsbl-sender", f"x@{name}")
        yield [*client(), *mail("rhsbl-recipient@rule.test", (f"x@{name}",))]
        yield rule("rhswl", by=client("192.0.2.1", name))
    yield rule("dnswl", by=client("192.0.2.8"))
    for helo in ("192.0.2.1", "[192.0.2.1]"):
        yield rule("naked", helo=helo)


def few_rules(count):
    """As many dialogues of each restriction."""
    seen = {}
    for dialogue in rules():
        name = next(match[1] for line in dialogue for match in [re.search(r"<([a-z0-9-]+)@(?:rule|virt)\.test>", line)] if match)
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= count:
            yield dialogue


def relaying():
    recipients = ("alice@virt.test", "x@elsewhere.test", "x@by-ok.test", "x@by-permit.test")
    for by in (client("192.0.2.7"), client("192.0.2.1", "good.test"), client("192.0.2.8"), client("192.0.2.1", "deaf.test"), STRANGER):
        # Postfix remembers a failure and tells it once.
        is_failing = any(word in line for line in by for word in ("deaf", "192.0.2.8"))
        for helo in ("friend.test",) if is_failing else ("friend.test", "by-ok.test", "by-permit.test"):
            yield [*by, *mail(recipients=recipients, helo=helo)]


# What is sent at once is one tuple; as many replies are read, until the server closes.
def pipelines():
    yield [("EHLO x.test", "NOOP", "MAIL FROM:<s@friend.test>", "RCPT TO:<alice@virt.test>", "DATA", "x", ".")]
    yield [("HELO x.test", "MAIL FROM:<s@friend.test>", "RCPT TO:<alice@virt.test>", "DATA", "QUIT")]
    yield ["HELO x.test", ("MAIL FROM:<s@friend.test>", "RCPT TO:<alice@virt.test>", "DATA", "QUIT")]
    yield ["EHLO x.test", ("MAIL FROM:<s@friend.test>", "RCPT TO:<alice@virt.test>", "DATA", "NOOP", "MAIL FROM:<evil@friend.test>")]
    for verb in ("VRFY alice@virt.test", "NOOP", "RSET", "ETRN x.etrn.test", "FOO", "HELO y", "EHLO y", "MAIL FROM:<s@friend.test>"):
        yield ["EHLO x.test", (verb, "NOOP"), "RSET", "MAIL FROM:<s@friend.test>", "RCPT TO:<alice@virt.test>"]


def long_lines(limit):
    for length in (limit - 2, limit - 1, limit, limit + 1, limit + 2, 2 * limit + 10):
        for verb in ("NOOP ", "HELO ", "x"):
            yield ["EHLO x.test", verb + "x" * (length - len(verb)), "NOOP"]


DIALOGUES = {
    "pipelining": ("no-pipelining", list(pipelines())), "pipelining where it is not forgiven": ("strict-pipelining", list(pipelines())),
    "long lines": ("tables", list(long_lines(2048))), "lines longer than another limit": ("short-lines", list(long_lines(600))),
    **{f"actions at {stage}": ("tables", list(actions_at(stage))) for stage in ("reverse", "helo", "data", "end", "etrn")},
    **{f"actions at {stage}": ("tables", list(actions_at(stage, STATUSES))) for stage in ("client", "sender", "recipient")},
    **{f"actions at {stage} without delay": ("early", list(actions_at(stage))) for stage in ("client", "helo", "sender", "recipient")},
    "keys": ("tables", list(lookups())), "keys with dots": ("dots", list(lookups())), "key of the null sender": ("null-key", [[*STRANGER, *mail("")]]),
    "hosts": ("hosts", list(hosts())),
    "rules": ("rules", list(rules())), "rules with other codes": ("codes", list(few_rules(4))), "actions with other codes": ("code-tables", list(actions_at("sender"))),
    "temporary failures refuse": ("tempfail", [dialogue for dialogue in rules() if any(word in line for line in dialogue for word in ("deaf", "rbl"))]),
    "soft bounces": ("soft", list(few_rules(1))),
    "unlisted senders": ("unlisted", [[*STRANGER, *mail(sender)] for sender in ("", "bare", "nobody@mx.example.test", "x@alias-domain.test", "x@relayed.test", "x@friend.test")]),
    "unlisted recipients": ("mute", [[*STRANGER, *mail(recipients=("nobody@mx.example.test", "x@alias-domain.test", "x@relayed.test"))]]),
    "allow lists without delay": ("early-allowing", [[*by, *mail(recipients=("alice@virt.test", "x@elsewhere.test")), "RSET", "ETRN x.etrn.test"] for by in (client("192.0.2.7"), client(), STRANGER)]),
    "allow lists do not relay": ("allowing", list(relaying())), "allowed hosts do not relay": ("allowing-hosts", list(relaying())),
    **{name: (name, [[*by, *mail(recipients=("alice@virt.test", "x@elsewhere.test"))] for by in (STRANGER, client())])
       for name in ("fail-client", "fail-sender", "fail-warn", "fail-networks", "fail-networks-reject", "fail-networks-rbl", "fail-networks-warn", "nested")},
    "failing replies of lists": ("fail-replies", [rule("rbl", by=client("192.0.2.4")), rule("rhsbl-helo", helo="bad.test")]),
    "failing owners of senders": ("fail-login", [rule("login", "owned@friend.test")]),
    "recipient at data": ("one-recipient", [[*STRANGER, *mail(recipients=recipients, message=True)] for recipients in
                                            (("single@virt.test",), ("single@virt.test", "alice@virt.test"), ("ok@virt.test",), ("single@virt.test", "nobody@nowhere.test"))]),
    "at data": ("at-data", [[*STRANGER, *mail("", recipients, message=True)] for recipients in (("alice@virt.test",), ("alice@virt.test", "bob@virt.test"))]),
    **{name: (name, [[*by, *mail(f"{rule_name}@rule.test", ("alice@virt.test", "x@elsewhere.test"))] for by in (client(), STRANGER) for rule_name in ("permit", "reject", "mynetworks")] + [[*STRANGER, *mail(f"{name}@sender.test")] for name in ("ok", "ok-text", "relay", "digits", "permit", "discard", "dunno")])
       for name in ("logged", "logged-some", "logged-names")},
}
