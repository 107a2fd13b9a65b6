"""Messages and configurations of test_header_rewriting: what stands in headers and envelopes, and what may be made of it."""

# Where a message comes from: address of the SMTP client, or options of sendmail.
OWN, STRANGER = "127.0.0.1", "127.0.0.2"
WAYS = {"own client": OWN, "stranger": STRANGER, "sendmail": (), "gateway": ("-G",)}

HEADERS = {
    "plain": """From: Canon Name <canon@example.test>
To: user, user@plain, first.last@sub.example.test, "Quo, Ted" <listed@other.test>
Cc: user@sub.other.test (a comment), canon, root@mx.example.test, user+ext@other.test
Reply-To: canon@sub.example.test
Errors-To: user@deep.sub.example.test
Return-Receipt-To: user@sub.example.test
Sender: root@sub.example.test""",
    "resent": """From: canon@example.test
Resent-From: canon
Resent-Sender: Root <root@keep.example.test>
Resent-To: user@sub.example.test,
\tcanon@other.test
Resent-Cc: listed
Resent-Reply-To: user@sub.other.test
Resent-Bcc: hidden@other.test""",
    "odd": """From: "A. B." <@a.test,@b.test:canon@sub.example.test> (with (nested) comment)
To: group: user, canon@other.test;, undisclosed:;, "quo ted"@sub.example.test, <user>
Cc: user%sub@example.test, plain!user, user@sub.example.test., canon @ example . test, "user%a"@plain
Bcc: hidden@sub.example.test
Sender: <>
Reply-To: user@[127.0.0.1], user@xn--bcher-kva.test, "o'brien"@plain, =?utf-8?q?x?= <canon>""",
    "bare": "X-Nothing: at all",
    "broken": """From: canon@example.test <user
To: user@, @other.test, , ;,
Cc: a b c, "unended, user@plain
Reply-To: user@a@plain, <a@b> <c@d>""",
    "long": "From: canon@example.test\nTo: " + ", ".join(f"Person Number {n} <user{n}@sub.example.test>" for n in range(12)),
}
SENDERS = ["canon@example.test", "user@sub.example.test", "", "canon", "root@mx.example.test", "user+ext@other.test", "bcc@other.test",
           "user@sub.other.test", "owner-list@example.test"]
RECIPIENTS = ["user@sub.example.test", "canon@example.test", "listed@other.test", "user+ext@sub.other.test", "bcc@other.test", "root", "moved+x@other.test"]

_MAPS = {"canonical_maps": "inline:{{canon=first.last@other.test}, {listed@other.test=x+y@virt.test}, {@sub.other.test=@elsewhere.test}, {user@other.test=mapped}}",
         "recipient_delimiter": "+"}
CONFIGURATIONS = {
    "nothing": {},
    "completed": {"append_dot_mydomain": "yes", "local_header_rewrite_clients": "permit_mynetworks"},
    "strangers get a domain": {"remote_header_rewrite_domain": "domain.invalid", "local_header_rewrite_clients": "check_address_map inline:{{127.0.0.1=yes}}"},
    "by client name": {"local_header_rewrite_clients": "check_address_map inline:{{localhost=yes},{mx.example.test=yes},{127=yes}}"},
    "nobody is local": {"local_header_rewrite_clients": "", "always_add_missing_headers": "yes", "undisclosed_recipients_header": "To: undisclosed-recipients:;"},
    "canonical": {**_MAPS, "local_header_rewrite_clients": "static:all"},
    "canonical of envelopes": {**_MAPS, "canonical_classes": "envelope_sender, envelope_recipient"},
    "canonical of senders": {"sender_canonical_maps": "inline:{{canon=writer@other.test},{user@sub.example.test=user+q},{@keep.example.test=@kept.test}}",
                             "sender_canonical_classes": "header_sender"},
    "canonical of both kinds": {"sender_canonical_maps": "inline:{{canon=writer@other.test}}", "recipient_canonical_maps": "inline:{{canon=reader@other.test}}",
                                "recipient_canonical_classes": "header_recipient", "canonical_maps": "inline:{{reader@other.test=canonized}}",
                                "canonical_classes": "header_recipient, header_sender"},
    "masquerade": {"masquerade_domains": "sub.example.test !keep.example.test example.test", "masquerade_exceptions": "root"},
    "masquerade recipients": {"masquerade_domains": "example.test, $mydomain other.test", "masquerade_exceptions": "USER root, canon",
                              "masquerade_classes": "envelope_recipient, header_recipient"},
    "copies": {"sender_bcc_maps": "inline:{{bcc@other.test=copy1@virt.test},{canon=copy2+box},{@sub.example.test=copy3@virt.test}}",
               "recipient_bcc_maps": "inline:{{bcc@other.test=copy4@virt.test},{@sub.other.test=copy5@other.test}}", "always_bcc": "always",
               "canonical_maps": "inline:{{copy3@virt.test=copied@virt.test},{always=kept@virt.test}}", "recipient_delimiter": "+"},
    "aliases": {"virtual_alias_maps": "inline:{{user@sub.example.test=one+a@other.test two},{root=admin@sub.example.test},{@other.test=caught@virt.test}}",
                "always_bcc": "root", "recipient_delimiter": "+"},
    "original recipients are forgotten": {"enable_original_recipient": "no", "always_bcc": "root@other.test",
                                          "virtual_alias_maps": "inline:{{user@sub.example.test=two@other.test},{canon@example.test=two@other.test},"
                                                                "{bcc@other.test=two@other.test}}"},
    "generic": {"smtp_generic_maps": "inline:{{canon@example.test=outside@isp.test},{user@sub.example.test=user@isp.test},{@sub.other.test=@isp.test},"
                                     "{user@other.test=mapped@isp.test},{root@example.test=admin@isp.test}}", "recipient_delimiter": "+"},
    "generic without extensions": {"smtp_generic_maps": "inline:{{user@other.test=mapped@isp.test},{@sub.other.test=@isp.test}}", "recipient_delimiter": "+",
                                   "propagate_unmatched_extensions": "canonical, virtual"},
    "owners are special": {"recipient_delimiter": "-", "canonical_maps": "inline:{{owner@example.test=wrong@virt.test},{list@example.test=wrong@virt.test}}"},
    "owners are not special": {"recipient_delimiter": "-", "owner_request_special": "no",
                               "canonical_maps": "inline:{{owner@example.test=right@virt.test},{list@example.test=wrong@virt.test}}"},
    "formats": {"header_from_format": "obsolete", "message_drop_headers": "sender, x-nothing", "local_header_rewrite_clients": "static:all"},
}
