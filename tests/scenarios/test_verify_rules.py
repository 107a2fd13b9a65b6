"""What reject_unverified_sender and reject_unverified_recipient answer, as main.cf says it, and the way that probes take."""
import re
import threading

import pytest

from harness.sink import Sink

UNKNOWN = "host 127.0.0.1[127.0.0.1] said: 550 5.1.1 no such user (in reply to RCPT TO command)"
LATER = "host 127.0.0.1[127.0.0.1] said: 451 4.2.0 later (in reply to RCPT TO command)"
SENDER = "smtpd_sender_restrictions=reject_unverified_sender"
SENDERS = [SENDER, "smtpd_recipient_restrictions="]
SENDERS_AND_REFUSED = [SENDER, "smtpd_recipient_restrictions=reject"]
OTHER = "554 5.7.1 <alice@virt.test>: Recipient address rejected: Access denied"
IN_PROGRESS = "450 4.1.1 <held@relay.test>: Recipient address rejected: unverified address: Address verification in progress"


def refused_sender(code, who, text):
    return f"{code} {code[0]}.1.7 <{who}@relay.test>: Sender address rejected: {text}"


def refused_recipient(code, who, text):
    return f"{code} {code[0]}.1.1 <{who}@relay.test>: Recipient address rejected: {text}"


WARNED = refused_recipient("450", "bad", "unverified address: " + UNKNOWN)
# What main.cf says, the sender, the recipient, the answer.
ANSWERS = [
    (SENDERS, "good@relay.test", "alice@virt.test", "250 2.1.5 Ok"),
    (SENDERS, "", "alice@virt.test", "250 2.1.5 Ok"),
    (SENDERS, "bad@relay.test", "alice@virt.test", refused_sender("450", "bad", "unverified address: " + UNKNOWN)),
    ([*SENDERS, "unverified_sender_reject_code=550"], "bad@relay.test", "alice@virt.test",
     refused_sender("550", "bad", "undeliverable address: " + UNKNOWN)),
    ([*SENDERS, "unverified_sender_reject_code=550", "unverified_sender_reject_reason=Call us"], "bad@relay.test", "alice@virt.test",
     refused_sender("550", "bad", "undeliverable address: Call us")),
    ([*SENDERS, "unverified_recipient_reject_code=550", "unverified_recipient_reject_reason=Wrong one"], "bad@relay.test", "alice@virt.test",
     refused_sender("450", "bad", "unverified address: " + UNKNOWN)),
    # Trouble that may pass is told at the end, when nothing else has refused …
    (SENDERS, "slow@relay.test", "alice@virt.test", refused_sender("450", "slow", "unverified address: " + LATER)),
    (SENDERS, "slow@relay.test", "nobody@virt.test", refused_sender("450", "slow", "unverified address: " + LATER)),
    (SENDERS_AND_REFUSED, "slow@relay.test", "alice@virt.test", OTHER),
    ([*SENDERS, "unverified_sender_defer_code=451"], "slow@relay.test", "alice@virt.test",
     refused_sender("451", "slow", "unverified address: " + LATER)),
    ([*SENDERS, "unverified_sender_reject_reason=Call us"], "slow@relay.test", "alice@virt.test",
     refused_sender("450", "slow", "unverified address: Call us")),
    # … or at once.
    ([*SENDERS_AND_REFUSED, "unverified_sender_tempfail_action=defer"], "slow@relay.test", "alice@virt.test",
     refused_sender("450", "slow", "unverified address: " + LATER)),
    ([*SENDERS_AND_REFUSED, "reject_tempfail_action=defer"], "slow@relay.test", "alice@virt.test",
     refused_sender("450", "slow", "unverified address: " + LATER)),
    ([*SENDERS_AND_REFUSED, "unverified_recipient_tempfail_action=defer"], "slow@relay.test", "alice@virt.test", OTHER),
    (["unverified_recipient_reject_code=550"], "a@client.test", "bad@relay.test",
     refused_recipient("550", "bad", "undeliverable address: " + UNKNOWN)),
    (["unverified_recipient_reject_code=521", "unverified_recipient_reject_reason=Call us"], "a@client.test", "bad@relay.test",
     refused_recipient("521", "bad", "undeliverable address: Call us")),
    ([], "a@client.test", "slow@relay.test", refused_recipient("450", "slow", "unverified address: " + LATER)),
    (["unverified_recipient_defer_code=451", "unverified_recipient_reject_code=550"], "a@client.test", "slow@relay.test",
     refused_recipient("451", "slow", "unverified address: " + LATER)),
    (["smtpd_recipient_restrictions=reject_unverified_recipient, reject"], "a@client.test", "slow@relay.test",
     "554 5.7.1 <slow@relay.test>: Recipient address rejected: Access denied"),
    (["smtpd_recipient_restrictions=reject_unverified_recipient, reject", "unverified_recipient_tempfail_action=defer"], "a@client.test",
     "slow@relay.test", refused_recipient("450", "slow", "unverified address: " + LATER)),
    (["smtpd_recipient_restrictions=reject_unverified_recipient, reject", "reject_tempfail_action=defer"], "a@client.test",
     "slow@relay.test", refused_recipient("450", "slow", "unverified address: " + LATER)),
    (["smtpd_recipient_restrictions=warn_if_reject reject_unverified_recipient, permit_mynetworks, reject"], "a@client.test",
     "bad@relay.test", "250 2.1.5 Ok"),
]


def test_the_answers_are_those_that_main_cf_asks_for(verifying, sink):
    mta = verifying
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    sink.on("RCPT", "451 4.2.0 later", match="slow@")
    ports = [mta.smtpd_service(None, "smtpd_relay_restrictions=permit_mynetworks, reject", *options) for options, *_ in ANSWERS]
    mta.start()
    for port, (options, sender, recipient, expected) in zip(ports, ANSWERS):
        with mta.peer(port) as peer:
            peer.command(f"MAIL FROM:<{sender}>", 250)
            assert peer.command(f"RCPT TO:<{recipient}>").text == expected, options
        if not expected.startswith("2"):
            mta.log.wait(rf"^NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: {re.escape(expected)}; from=<{sender}> to=<{recipient}> ",
                         process="smtpd")
    mta.log.wait(rf"^NOQUEUE: reject_warning: RCPT from localhost\[127\.0\.0\.1\]: {re.escape(WARNED)}; from=<a@client\.test> ", process="smtpd")
    assert [sink.asked_for(f"{who}@relay.test") for who in ("good", "bad", "slow")] == [1, 1, 1], "answers are kept, whoever asks"
    mta.wait_empty()


def test_how_often_smtpd_asks(verifying, sink):
    """The last pause is behind no question: with one question, and so under stress, the answer comes before the result."""
    held = threading.Event()
    sink.on("RCPT", lambda session, argument: held.wait() and "250 2.1.5 Ok", match="held@")
    once = verifying.smtpd_service(None, "address_verify_poll_count=1", "address_verify_poll_delay=1000s")
    stressed = verifying.smtpd_service(None, "stress=yes", "address_verify_poll_count=${stress?{1}:{3}}", "address_verify_poll_delay=1000s")
    mta = verifying.start(address_verify_poll_count="60")
    for port in (once, stressed):
        with mta.peer(port) as peer:
            assert peer.ask("held@relay.test", "a@client.test").text == IN_PROGRESS
    with mta.peer(timeout=120) as peer:
        peer.command("MAIL FROM:<a@client.test>", 250)
        peer.send("RCPT TO:<held@relay.test>\r\n")
        sink.wait_until(lambda: sink.asked_for("held@relay.test"), "a probe at the next hop")
        held.set()
        assert peer.reply().code == 250
    assert sink.asked_for("held@relay.test") == 1


# What mail and probes are told, as {mail} and {probe}, and the recipients that show it.
WAYS = {
    "transports": (dict(
        local_transport="smtp:{mail}", address_verify_local_transport="smtp:{probe}", local_recipient_maps="",
        virtual_transport="smtp:{mail}", address_verify_virtual_transport="smtp:{probe}",
        relay_transport="smtp:{mail}", address_verify_relay_transport="smtp:{probe}",
        default_transport="smtp:{mail}", address_verify_default_transport="smtp:{probe}"),
        ["user@mx.example.test", "alice@virt.test", "x@partner.test", "x@far.test"]),
    "transport_maps": (dict(transport_maps="inline:{{*=smtp:{mail}}}", address_verify_transport_maps="inline:{{*=smtp:{probe}}}"),
                       ["alice@virt.test", "x@far.test"]),
    "relayhost": (dict(relayhost="{mail}", address_verify_relayhost="{probe}"), ["x@far.test"]),
    "sender_dependent_relayhost_maps": (dict(
        sender_dependent_relayhost_maps="inline:{{sender@client.test={mail}, double-bounce@example.test=[127.0.0.1]:1}}",
        address_verify_sender_dependent_relayhost_maps="inline:{{double-bounce@example.test={probe}}}"), ["x@far.test"]),
    "sender_dependent_default_transport_maps": (dict(
        sender_dependent_default_transport_maps="inline:{{sender@client.test=smtp:{mail}, double-bounce@example.test=smtp:[127.0.0.1]:1}}",
        address_verify_sender_dependent_default_transport_maps="inline:{{double-bounce@example.test=smtp:{probe}}}"), ["x@far.test"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_probes_take_a_way_of_their_own(way, mta, sink):
    settings, recipients = WAYS[way]
    with Sink() as probed:
        mta.start(relay_domains="partner.test", smtpd_recipient_restrictions="reject_unverified_recipient", address_verify_poll_delay="1s",
                  address_verify_poll_count="30",
                  **{name: value.format(mail=sink.nexthop, probe=probed.nexthop) for name, value in settings.items()})
        for recipient in recipients:
            mta.deliver(recipient)
        sink.wait(len(recipients))
        assert [sink.asked_for(recipient) for recipient in recipients] == [1] * len(recipients)
        assert [probed.asked_for(recipient) for recipient in recipients] == [1] * len(recipients)
        assert not probed.messages
        mta.wait_empty()


def test_mailboxes_of_this_host_are_verified_without_mail_to_them(mta):
    """Users, aliases and virtual mailboxes, each by the agent that would deliver."""
    answers = {
        "alice@virt.test": "250 2.1.5 Ok",
        "gone@virt.test": '450 4.1.1 <gone@virt.test>: Recipient address rejected: unverified address: unknown user: "gone@virt.test"',
        "games@mx.example.test": "250 2.1.5 Ok",
        "nobody-here@mx.example.test":
            '450 4.1.1 <nobody-here@mx.example.test>: Recipient address rejected: unverified address: unknown user: "nobody-here"',
        "other@mx.example.test": "250 2.1.5 Ok",
        "several@mx.example.test": "250 2.1.5 Ok",
        "postmaster@relocated.test":
            "450 4.1.1 <postmaster@relocated.test>: Recipient address rejected: unverified address: User has moved to new@far.test",
    }
    mta.start(smtpd_recipient_restrictions="permit_auth_destination, reject", smtpd_relay_restrictions="reject_unverified_recipient",
              smtpd_reject_unlisted_recipient="no", address_verify_poll_delay="1s", address_verify_poll_count="30",
              virtual_mailbox_domains="virt.test, relocated.test", relocated_maps="inline:{postmaster@relocated.test=new@far.test}",
              alias_maps=mta.table("aliases", "other alice@virt.test\nseveral alice@virt.test, games\n"))
    for recipient, expected in answers.items():
        assert mta.ask(recipient).text == expected
    mta.wait_empty()
    assert not mta.maildir("alice").files() and not mta.log.has(r"status=sent")
    probes = {line["to"]: (line["process"], line["status"]) for line in mta.log.deliveries()}
    assert probes["alice@virt.test"] == ("virtual", "deliverable") and probes["gone@virt.test"] == ("virtual", "undeliverable")
    assert probes["games@mx.example.test"] == ("local", "deliverable")
    assert probes["nobody-here@mx.example.test"] == ("local", "undeliverable")
