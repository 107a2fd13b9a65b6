"""Nobody relays who may not."""
import itertools
import re

import pytest

STRANGERS = dict(mynetworks="127.0.0.2/32")     # the client at 127.0.0.1 is a stranger

FOREIGN = ["victim@elsewhere.test", "victim%elsewhere.test@mx.example.test", "@mx.example.test:victim@elsewhere.test",
           "elsewhere.test!victim@mx.example.test", "victim@[192.0.2.1]", "victim@[127.0.0.9]", "victim%elsewhere.test@virt.test",
           '"victim@elsewhere.test"@elsewhere.test', "victim@elsewhere.test.", "@virt.test,@mx.example.test:victim@elsewhere.test",
           "victim@ELSEWHERE.TEST", "victim@127.0.0.1"]


@pytest.fixture
def closed(mta):
    return mta.start(**STRANGERS)


def test_a_stranger_may_not_relay(closed):
    reply = closed.ask("victim@elsewhere.test")
    assert reply.text == "454 4.7.1 <victim@elsewhere.test>: Relay access denied"
    closed.log.wait(r"^NOQUEUE: reject: RCPT from \S+\[127\.0\.0\.1\]: 454 4\.7\.1 <victim@elsewhere\.test>: Relay access denied; "
                    r"from=<sender@client\.test> to=<victim@elsewhere\.test> proto=ESMTP helo=<client\.test>$")


def test_every_disguise_is_refused(closed):
    for recipient in FOREIGN:
        reply = closed.ask(recipient)
        assert reply.code >= 400, f"{recipient}: {reply}"
    assert not closed.queued()


def test_a_local_sender_address_opens_nothing(closed):
    for sender in ("alice@virt.test", "root@mx.example.test", "", "postmaster"):
        assert closed.ask("victim@elsewhere.test", sender).code >= 400


def test_a_stranger_reaches_our_own_domains(closed):
    closed.deliver("alice@virt.test")
    closed.maildir("alice").wait()


def test_reject_unauth_destination_is_permanent(mta):
    mta.start(smtpd_relay_restrictions="reject_unauth_destination", **STRANGERS)
    assert mta.ask("victim@elsewhere.test").text == "554 5.7.1 <victim@elsewhere.test>: Relay access denied"


def test_mynetworks_decides(mta, sink):
    mta.start(relayhost=sink.nexthop, mynetworks="127.0.0.1/32, 192.0.2.0/24")
    mta.deliver("far@elsewhere.test")
    sink.wait()


def test_an_exclusion_in_mynetworks_counts(mta):
    mta.start(mynetworks="!127.0.0.1/32, 127.0.0.0/8")
    assert mta.ask("victim@elsewhere.test").code == 454


def test_relay_domains_are_relayed(mta, sink):
    mta.start(relayhost=sink.nexthop, relay_domains="partner.test", **STRANGERS)
    mta.deliver("far@partner.test")
    sink.wait()
    assert mta.ask("far@other.test").code == 454


def test_relay_recipients_are_checked(mta, sink):
    mta.start(relayhost=sink.nexthop, relay_domains="partner.test",
              relay_recipient_maps=mta.table("relay", "known@partner.test x\n"), **STRANGERS)
    assert mta.ask("known@partner.test").code == 250
    assert mta.ask("other@partner.test").text == \
        "550 5.1.1 <other@partner.test>: Recipient address rejected: User unknown in relay recipient table"


@pytest.mark.posthouse_only("the reference starts, and its smtpd ends at the first client")
def test_no_restriction_at_all_does_not_start(mta):
    mta.allowed_trouble.append("fatal")
    mta.configure(smtpd_relay_restrictions="", smtpd_recipient_restrictions="permit", **STRANGERS)
    assert mta.try_start() != 0
    mta.log.wait(r"fatal: \S+main\.cf, line \d+: in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
                 r"reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains")


def test_a_failing_table_never_opens_the_relay(mta):
    mta.allowed_trouble.append("fatal: open|No such file")
    mta.start(relay_domains=f"texthash:{mta.config}/missing", **STRANGERS)
    reply = mta.ask("victim@elsewhere.test")
    assert reply.code in (451, 454), reply


def test_the_order_of_restrictions(mta):
    mta.start(smtpd_recipient_restrictions="reject_unauth_destination, reject", smtpd_relay_restrictions="permit_mynetworks, reject_unauth_destination")
    assert mta.ask("victim@elsewhere.test").code == 554
    assert mta.ask("alice@virt.test").text == "554 5.7.1 <alice@virt.test>: Recipient address rejected: Access denied"


# smtpd_delay_reject and the list that refuses: which command is answered so, and the stage that the log names.
STAGES = {
    ("no", "client"): ("(connect)", "CONNECT"), ("no", "helo"): ("EHLO me.test", "EHLO"), ("no", "sender"): ("MAIL FROM:<s@client.test>", "MAIL"),
    ("no", "recipient"): ("RCPT TO:<alice@virt.test>", "RCPT"),
    ("yes", "client"): ("RCPT TO:<alice@virt.test>", "RCPT"), ("yes", "helo"): ("RCPT TO:<alice@virt.test>", "RCPT"),
    ("yes", "sender"): ("RCPT TO:<alice@virt.test>", "RCPT"), ("yes", "recipient"): ("RCPT TO:<alice@virt.test>", "RCPT"),
}
REFUSALS = {"client": r"<\S+\[127\.0\.0\.1\]>: Client host rejected", "helo": "<me.test>: Helo command rejected",
            "sender": "<s@client.test>: Sender address rejected", "recipient": "<alice@virt.test>: Recipient address rejected"}


def test_the_stage_at_which_a_list_refuses(mta):
    ports = {(delay, stage): mta.smtpd_service(None, f"smtpd_delay_reject={delay}", f"smtpd_{stage}_restrictions=reject") for delay, stage in STAGES}
    mta.start()
    for key, (command, logged) in STAGES.items():
        refusal = f"554 5.7.1 {REFUSALS[key[1]]}: Access denied"
        with mta.peer(ports[key], greet=False) as peer:
            replies = {"(connect)": peer.reply()}
            for line in ("EHLO me.test", "MAIL FROM:<s@client.test>", "RCPT TO:<alice@virt.test>"):
                replies[line] = peer.command(line)
                if command == line:
                    break
            else:
                # Who is refused as a client is told so again, whatever he says.
                assert command == "(connect)" and replies["MAIL FROM:<s@client.test>"].text.startswith("503 5.7.0 Error: access denied for "), replies
        before = [reply.code for line, reply in itertools.takewhile(lambda entry: entry[0] != command, replies.items())]
        assert all(code in (220, 250) for code in before), (key, replies)
        assert re.fullmatch(refusal, replies[command].text), (key, replies)
        mta.log.wait(rf"^NOQUEUE: reject: {logged} from \S+: {refusal}; ", process="smtpd")
        mta.log.forget()
