"""Domains in UTF-8 and in their ASCII form: the DNS is asked for the ASCII form, everything else compares what was written."""
import pytest

from harness.sink import Sink

UTF8, ASCII = "bücher.test", "xn--bcher-kva.test"


@pytest.fixture
def books():
    """The mail host of bücher.test."""
    with Sink(host="127.0.0.45", extensions=("SMTPUTF8", "8BITMIME")) as server:
        yield server


@pytest.fixture
def world(mta, dns):
    dns.add(f"{ASCII}. 60 MX 10 mail.{ASCII}.\nmail.{ASCII}. 60 A 127.0.0.45\nxn--hst-sna.test. 60 A 127.0.0.45\n"
            f"client.test. 60 A 127.0.0.1\n{ASCII}.rhsbl.test. 60 A 127.0.0.2\n")
    mta.configure(smtputf8_enable="yes", relayhost="", default_transport="smtp")
    return mta


def ask(mta, recipient, sender="sender@client.test"):
    with mta.peer() as peer:
        peer.command(f"MAIL FROM:<{sender}> SMTPUTF8", 250)
        return peer.command(f"RCPT TO:<{recipient}>").text


def test_mail_goes_to_the_hosts_of_the_ascii_form(world, dns, books):
    world.start(transport_maps=world.table("transport", f"{UTF8} smtp:{UTF8}:{books.port}\nhöst.test smtp:höst.test:{books.port}\n"))
    for number, recipient in enumerate((f"jörg@{UTF8}", f"JÖRG@{UTF8.upper()}", "x@höst.test"), 1):
        with world.peer() as peer:
            peer.deliver(recipient, mail_options="SMTPUTF8")
        taken = books.wait(number)[-1]
        assert taken.recipients == [recipient] and "SMTPUTF8" in taken.mail_line
    world.log.wait(rf"to=<jörg@{UTF8}>, relay=mail\.{ASCII}\[127\.0\.0\.45\]:{books.port}, .*status=sent")
    world.log.wait(rf"to=<x@höst\.test>, relay=xn--hst-sna\.test\[127\.0\.0\.45\]:{books.port}, .*status=sent")
    assert (f"{ASCII}.", "MX") in dns.questions and ("xn--hst-sna.test.", "A") in dns.questions
    assert all(name.isascii() for name, _ in dns.questions)


def test_what_is_not_found_is_named_in_ascii(world):
    world.start()
    with world.peer() as peer:
        peer.deliver("x@müller.test", sender="alice@virt.test", mail_options="SMTPUTF8")
    world.log.wait(r"to=<x@müller\.test>, relay=none, .*dsn=5\.4\.4, status=bounced \(Host or domain name not found\. "
                   r"Name service error for name=xn--mller-kva\.test type=A{1,4}: Host not found\)$")


def test_names_without_an_ascii_form_are_refused(world):
    world.start()
    for domain in (f"-{UTF8}", "a\u2024.test", "ü" * 70 + ".test", "ü..test"):
        assert ask(world, f"x@{domain}") == "501 5.1.3 Bad recipient address syntax", domain
    with world.peer() as peer:
        assert peer.command(f"MAIL FROM:<x@{UTF8}>").text == "501 5.1.7 Bad sender address syntax"      # not SMTPUTF8


def test_restrictions_ask_for_the_ascii_form(world, dns):
    world.start(smtpd_recipient_restrictions="reject_non_fqdn_recipient, reject_unknown_sender_domain, reject_unknown_recipient_domain, "
                                             "reject_rhsbl_sender rhsbl.test, permit")
    assert ask(world, f"x@{UTF8}") == "250 2.1.5 Ok"
    assert ask(world, f"x@{UTF8.upper()}", "") == "250 2.1.5 Ok"
    assert ask(world, "x@müller.test", "") == "450 4.1.2 <x@müller.test>: Recipient address rejected: Domain not found"
    assert ask(world, f"x@{UTF8}", "a@müller.test") == "450 4.1.8 <a@müller.test>: Sender address rejected: Domain not found"
    assert ask(world, f"x@{UTF8}", f"a@{UTF8}") == \
        "554 5.7.1 Service unavailable; Sender address [a@b__cher.test] blocked using rhsbl.test"
    assert (f"{ASCII}.rhsbl.test.", "A") in dns.questions and all(name.isascii() for name, _ in dns.questions)


def test_lists_and_tables_compare_what_was_written(world):
    """Neither form stands for the other; upper and lower case do."""
    world.start(virtual_alias_domains=UTF8, virtual_alias_maps=world.table("aliases", f"known@{UTF8} alice@virt.test\nknown@{ASCII} bob@virt.test\n"),
                relay_domains="xn--mller-kva.test", relay_recipient_maps="inline:{{known@xn--mller-kva.test=x}}",
                smtpd_recipient_restrictions="check_recipient_access " + world.table("access", "größe.test REJECT in letters\nxn--gre-6ka8i.test REJECT in ASCII\n") + ", permit")
    assert ask(world, f"known@{UTF8}") == ask(world, f"Known@{UTF8.upper()}") == "250 2.1.5 Ok"
    assert ask(world, f"other@{UTF8}") == f"550 5.1.1 <other@{UTF8}>: Recipient address rejected: User unknown in virtual alias table"
    assert ask(world, f"other@{ASCII}") == "250 2.1.5 Ok"
    assert ask(world, "other@xn--mller-kva.test") == \
        "550 5.1.1 <other@xn--mller-kva.test>: Recipient address rejected: User unknown in relay recipient table"
    assert ask(world, "other@müller.test") == "250 2.1.5 Ok"
    assert ask(world, "x@größe.test").endswith("in letters") and ask(world, "x@GRÖSSE.test").endswith("in letters")
    assert ask(world, "x@xn--gre-6ka8i.test").endswith("in ASCII")
    for recipient, user in ((f"known@{UTF8}", "alice"), (f"known@{ASCII}", "bob")):
        with world.peer() as peer:
            peer.deliver(recipient, mail_options="SMTPUTF8")
        world.maildir(user).wait()
