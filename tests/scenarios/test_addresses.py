"""Addresses and headers on their way through cleanup and trivial-rewrite."""
import pytest

from harness.message import make


def relayed(mta, sink, data=None, recipients="one@elsewhere.test", sender="sender@client.test", **options):
    with mta.peer() as peer:
        peer.deliver(recipients, sender=sender, data=data, **options)
    return sink.wait(1)[0]


def test_canonical_and_virtual_alias(mta, sink):
    mta.start(relayhost=sink.nexthop, canonical_maps=mta.table("canonical", "sender@client.test real@origin.test\n@old.test @new.test\n"),
              virtual_alias_maps=mta.table("virtual", "team@new.test one@elsewhere.test, two@elsewhere.test, three@elsewhere.test\n"
                                           "three@elsewhere.test four@elsewhere.test\n"))
    taken = relayed(mta, sink, make(to="team@old.test"), "team@old.test")
    assert taken.sender == "real@origin.test"
    assert sorted(taken.recipients) == ["four@elsewhere.test", "one@elsewhere.test", "two@elsewhere.test"]
    mta.log.wait(r"to=<four@elsewhere\.test>, orig_to=<team@old\.test>, ")


@pytest.mark.parametrize("limit, given, kept", [
    (3, "b, c (comment), d", "b@example.test, c@example.test"), (6, "b, c (comment), d", "b@example.test, c@example.test (comment), d@example.test"),
    (3, "aa.bb.cc", "aa.bb@example.test"), (3, "b c d e", "b@example.test, c@example.test, d@example.test"),
    (5, "One Two <b>, Three <c>", "One Two <b@example.test>"), (7, "g: b, c, d;", '"g:b"@example.test, c@example.test, d@example.test'),
    (8, "g: b, c, d;", "g: b@example.test, c@example.test, d@example.test;"), (7, "alice@virt.test, b, c", "alice@virt.test, b@example.test"),
    (6, "a.b.c@virt.test, x", "a.b.c@virt.test, x")])      # nothing to rewrite in what is looked at
def test_tokens_of_address_headers(mta, limit, given, kept):
    mta.start(header_address_token_limit=limit)
    mta.sendmail("-f", "bob@virt.test", "alice@virt.test", message=f"From: b@virt.test\nTo: {given}\n\nx\n".encode())
    [message] = mta.maildir("alice").wait()
    assert f"\nTo: {kept}\n".encode() in message


def answer(mta, recipients):
    """The reply to a whole message."""
    with mta.peer() as peer:
        peer.envelope("sender@client.test", recipients)
        peer.command("DATA", 354)
        peer.send(make() + b".\r\n")
        return peer.reply().text


def delivered(mta, recipients):
    """To whom a message goes in the end."""
    mta.log.forget()
    assert answer(mta, recipients).startswith("250 2.0.0 Ok: queued as ")
    mta.wait_empty()
    return sorted(line["to"] for line in mta.log.deliveries())


def test_the_limits_of_alias_expansion(mta):
    chain = "".join(f"deep{n}@virt.test deep{n + 1}@virt.test\n" for n in range(1002))
    mta.start(virtual_mailbox_maps="static:all/", virtual_alias_maps=mta.table(
        "virtual", "a@virt.test b@virt.test\nb@virt.test a@virt.test\nself@virt.test self@virt.test, alice@virt.test\n" + chain +
        "wide@virt.test " + ",".join(f"w{n}@virt.test" for n in range(1001)) + "\nlong@virt.test " + "x" * 990 + "@virt.test\n"))
    for refused in ("a", "deep2", "wide"):
        assert answer(mta, f"{refused}@virt.test") == "451 4.6.0 Alias expansion error", refused
    assert delivered(mta, "deep3@virt.test") == ["deep1002@virt.test"]
    assert delivered(mta, "long@virt.test") == ["x" * 990 + "@virt.test"]
    assert delivered(mta, "self@virt.test") == ["alice@virt.test", "self@virt.test"]
    mta.apply(virtual_alias_recursion_limit="3", virtual_alias_expansion_limit="2", virtual_alias_address_length_limit="20", duplicate_filter_limit="1")
    for refused in ("deep999", "long"):
        assert answer(mta, f"{refused}@virt.test") == "451 4.6.0 Alias expansion error", refused
    mta.log.wait(r"^warning: \w+: unreasonable virtual_alias_maps map nesting for deep999@virt\.test -- message not accepted, try again later$")
    mta.log.wait(r"^warning: \w+: unreasonable virtual_alias_maps result x{300}\.\.\. -- message not accepted, try again later$")
    assert delivered(mta, "deep1000@virt.test") == ["deep1002@virt.test"]
    assert delivered(mta, "self@virt.test") == ["alice@virt.test", "self@virt.test"]
    assert delivered(mta, ["one@virt.test", "one@virt.test", "two@virt.test", "two@virt.test"]) == ["one@virt.test", "two@virt.test", "two@virt.test"]


def test_duplicate_recipients_get_one_copy(mta, sink):
    mta.start(relayhost=sink.nexthop)
    taken = relayed(mta, sink, recipients=["one@elsewhere.test", "one@ELSEWHERE.test", "one@elsewhere.test"])
    assert taken.recipients == ["one@elsewhere.test"]


def test_always_bcc_and_hidden_recipient(mta, sink):
    mta.start(relayhost=sink.nexthop, always_bcc="alice@virt.test")
    taken = relayed(mta, sink)
    assert taken.recipients == ["one@elsewhere.test"] and b"alice" not in taken.data
    mta.maildir("alice").wait()


def test_missing_headers_of_local_clients_are_added(mta, sink):
    mta.start(relayhost=sink.nexthop, local_header_rewrite_clients="static:all")
    taken = relayed(mta, sink, b"Subject: bare\r\n\r\nx\r\n")
    for header in (b"\r\nMessage-Id: <", b"\r\nDate: ", b"\r\nFrom: sender@client.test\r\n"):
        assert header in taken.data, taken.data


def test_headers_of_strangers_are_not_touched(mta, sink):
    mta.start(relayhost=sink.nexthop, local_header_rewrite_clients="", relay_domains="elsewhere.test", mynetworks="127.0.0.2/32")
    taken = relayed(mta, sink, b"From: short\r\nTo: other\r\nSubject: bare\r\n\r\nx\r\n")
    assert b"From: short\r\nTo: other\r\nSubject: bare\r\n" in taken.data and b"Message-Id" not in taken.data


def test_headers_of_local_clients_are_completed(mta, sink):
    mta.start(relayhost=sink.nexthop, local_header_rewrite_clients="permit_mynetworks", append_dot_mydomain="yes")
    taken = relayed(mta, sink, b"From: Bob <bob>\r\nTo: a@sub, \"C, D\" <c@d.test> (note),\r\n e\r\nSubject: s\r\n\r\nx\r\n")
    assert b"From: Bob <bob@example.test>\r\n" in taken.data
    flat = b" ".join(taken.data.split())
    assert b"a@sub.example.test" in flat and b'"C, D" <c@d.test>' in flat and b"e@example.test" in flat


def test_content_before_any_header_gets_a_blank_line(mta, sink):
    mta.start(relayhost=sink.nexthop)
    taken = relayed(mta, sink, b"this is no header\r\nsecond line\r\n")
    assert b"\r\n\r\nthis is no header\r\nsecond line\r\n" in taken.data


def test_from_line_at_the_top_is_renamed(mta, sink):
    mta.start(relayhost=sink.nexthop)
    taken = relayed(mta, sink, b"From someone Mon Nov 23\r\nSubject: s\r\n\r\nx\r\n")
    assert b"X-Mailbox-Line: From someone Mon Nov 23\r\n" in taken.data


def test_eight_bit_mail_is_converted_for_old_hosts(mta, sink):
    import quopri
    sink.extensions.remove("8BITMIME")
    mta.start(relayhost=sink.nexthop)
    data = make(headers=["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"],
                body="gr\xfc\xdfe = und mehr").replace(b"x" * 80, b"")
    taken = relayed(mta, sink, data, mail_options="BODY=8BITMIME")
    assert b"Content-Transfer-Encoding: quoted-printable" in taken.data
    assert max(taken.data) < 128
    assert "gr\xfc\xdfe = und mehr".encode() in quopri.decodestring(taken.data.partition(b"\r\n\r\n")[2])


def test_transport_maps_choose_the_way(mta, sink, lmtp_sink):
    mta.start(relayhost=sink.nexthop, transport_maps=mta.table("transport", f"special@elsewhere.test lmtp:inet:127.0.0.1:{lmtp_sink.port}\n"
                                                               f".sub.test smtp:{sink.nexthop}\n"))
    with mta.peer() as peer:
        peer.deliver(["special@elsewhere.test", "normal@elsewhere.test", "x@a.sub.test"])
    assert lmtp_sink.wait()[0].recipients == ["special@elsewhere.test"]
    sink.wait_until(lambda: sum(len(taken.recipients) for taken in sink.messages) == 2, "both others")


def test_extension_addresses(mta):
    mta.start(recipient_delimiter="+")
    mta.deliver("alice+news@virt.test")
    [message] = mta.maildir("alice").wait_parsed()
    assert message["Delivered-To"] == "alice+news@virt.test"


def test_the_original_recipient(mta):
    aliases = "inline:{{one@virt.test=alice@virt.test},{two@virt.test=alice@virt.test}}"
    mta.start(virtual_alias_maps=aliases)
    mta.deliver(["one@virt.test", "two@virt.test"])
    originals = sorted(message["X-Original-To"] for message in mta.maildir("alice").wait_parsed(2))
    assert originals == ["one@virt.test", "two@virt.test"]
    mta.apply(enable_original_recipient="no", virtual_mailbox_maps="inline:{{alice@virt.test=other/}}")
    mta.deliver(["one@virt.test", "two@virt.test"])
    [message] = mta.maildir("other").wait_parsed()
    assert message["X-Original-To"] is None
    mta.wait_empty()
    assert [line["orig_to"] for line in mta.log.deliveries()][2:] == ["one@virt.test"]


def test_names_of_list_managers(mta):
    mta.start(recipient_delimiter="-")
    assert mta.ask("alice-news@virt.test").code == 250
    assert mta.ask("alice-request@virt.test").text == "550 5.1.1 <alice-request@virt.test>: Recipient address rejected: User unknown in virtual mailbox table"
    mta.apply(owner_request_special="no")
    mta.deliver("alice-request@virt.test")
    mta.maildir("alice").wait()


def test_generic_maps_are_for_one_protocol(mta, sink, lmtp_sink):
    mta.start(relayhost=sink.nexthop, transport_maps=mta.table("transport", f"store.test lmtp:inet:127.0.0.1:{lmtp_sink.port}\n"),
              smtp_generic_maps="inline:{{sender@client.test=smtp@isp.test}}", lmtp_generic_maps="inline:{{sender@client.test=lmtp@isp.test}}")
    with mta.peer() as peer:
        peer.deliver(["one@elsewhere.test", "two@store.test"])
    for server, sender in ((sink, "smtp@isp.test"), (lmtp_sink, "lmtp@isp.test")):
        [taken] = server.wait()
        assert taken.sender == sender and f"\r\nFrom: <{sender}>\r\n".encode() in taken.data


def test_hash_and_lmdb_tables(mta, sink):
    mta.start(relayhost=sink.nexthop)
    kinds = ["hash", "btree", "lmdb"]
    tables = [mta.table(f"virtual.{kind}", f"by-{kind}@virt.test alice@virt.test\n", kind) for kind in kinds]
    mta.configure(virtual_alias_maps=" ".join(tables))
    mta.reload()
    for count, kind in enumerate(kinds, 1):
        from harness.waiting import wait_for
        def delivered(kind=kind):
            try:
                return mta.deliver(f"by-{kind}@virt.test")
            except AssertionError:
                return None
        wait_for(delivered, f"{kind} works after the reload")
        mta.maildir("alice").wait(count)
