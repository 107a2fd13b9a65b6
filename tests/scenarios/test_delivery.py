"""A message comes in over SMTP and reaches a mailbox or the next host."""
import re


def test_delivers_to_a_maildir(mta):
    mta.start()
    queue_id, message_id = mta.deliver("alice@virt.test", subject="first")
    [message] = mta.maildir("alice").wait_parsed()
    assert message["Subject"] == "first"
    assert message["Message-Id"] == f"<{message_id}>"
    assert message["Return-Path"] == "<sender@client.test>"
    assert message["Delivered-To"] == "alice@virt.test"
    assert re.search(rf"from client\.test \(.*\[127\.0\.0\.1\]\)\s+by mx\.example\.test \(.+\) with ESMTP id {queue_id}\s+"
                     r"for <alice@virt\.test>; ", message["Received"])
    mta.wait_empty()


def test_logs_the_life_of_a_message(mta):
    mta.start()
    queue_id, message_id = mta.deliver("alice@virt.test")
    mta.log.wait(rf"^{queue_id}: removed$", process="qmgr")
    mta.log.wait(r"^disconnect from \S+\[127\.0\.0\.1\] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5$", process="smtpd")
    texts = [(line.process, line.text) for line in mta.log.of(queue_id)]
    patterns = [
        ("smtpd", rf"{queue_id}: client=\S+\[127\.0\.0\.1\]"),
        ("cleanup", rf"{queue_id}: message-id=<{message_id}>"),
        ("qmgr", rf"{queue_id}: from=<sender@client\.test>, size=\d+, nrcpt=1 \(queue active\)"),
        ("virtual", rf"{queue_id}: to=<alice@virt\.test>, relay=virtual, delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, "
                    r"dsn=2\.0\.0, status=sent \(delivered to maildir\)"),
        ("qmgr", rf"{queue_id}: removed"),
    ]
    assert len(texts) == len(patterns), texts
    for (process, text), (wanted, pattern) in zip(texts, patterns):
        assert process == wanted and re.fullmatch(pattern, text), text


def test_relays_to_the_next_host(mta, sink):
    mta.start(relayhost=sink.nexthop)
    queue_id, message_id = mta.deliver(["one@elsewhere.test", "two@elsewhere.test"])
    [taken] = sink.wait()
    assert taken.message_id == message_id
    assert taken.sender == "sender@client.test"
    assert sorted(taken.recipients) == ["one@elsewhere.test", "two@elsewhere.test"]
    mta.log.wait(rf"^{queue_id}: removed$")
    for recipient in taken.recipients:
        [delivery] = mta.log.deliveries(recipient)
        assert delivery["status"] == "sent"
        assert delivery["relay"] == f"127.0.0.1[127.0.0.1]:{sink.port}"
        assert delivery["reason"] == "250 2.0.0 Ok: queued as SINK"


def test_keeps_the_content_byte_for_byte(mta, sink):
    mta.start(relayhost=sink.nexthop)
    body = "..leading dots\n.\n\nlong " + "y" * 3000 + "\n\ttab\n trailing blank \n" + "\xe9\xfc".encode().decode("latin-1")
    data = b"From: <a@b.test>\r\nSubject: bytes\r\n\tfolded\r\nMessage-Id: <bytes@client.test>\r\nDate: x\r\nTo: c@d.test\r\n\r\n" + \
        body.encode("latin-1").replace(b"\n", b"\r\n") + b"\r\n"
    with mta.peer() as peer:
        peer.deliver("one@elsewhere.test", data=data, mail_options="BODY=8BITMIME")
    taken = sink.wait_for_message("bytes@client.test")
    head, _, rest = taken.data.partition(b"From: <a@b.test>\r\n")
    assert head.startswith(b"Received: ")
    # A line of more than 998 bytes is broken by the client, with a blank at the break.
    assert rest.replace(b"\r\n yyy", b"yyy") == data.partition(b"From: <a@b.test>\r\n")[2]


def test_one_session_many_messages(mta):
    mta.start()
    ids = []
    with mta.peer() as peer:
        for _ in range(20):
            ids.append(peer.deliver("alice@virt.test")[1])
        peer.quit()
    mta.maildir("alice").wait(20)
    assert sorted(mta.maildir("alice").ids()) == sorted(ids)


def test_several_recipients_of_several_kinds(mta, sink):
    mta.start(relayhost=sink.nexthop)
    _, message_id = mta.deliver(["alice@virt.test", "bob@virt.test", "far@elsewhere.test"])
    mta.maildir("alice").wait()
    mta.maildir("bob").wait()
    assert sink.wait_for_message(message_id).recipients == ["far@elsewhere.test"]
    mta.wait_empty()
    assert mta.log.has(r"nrcpt=3 \(queue active\)")


def test_relays_to_debians_postfix(make_instance):
    from harness.suite import Suite
    from harness.instance import IS_ROOT
    import pytest
    if not IS_ROOT:
        pytest.skip("the reference needs root")
    reference = make_instance("reference", suite=Suite.reference()).start()
    mta = make_instance("mx").start(relayhost=f"[127.0.0.1]:{reference.port}", virtual_mailbox_domains="")
    _, message_id = mta.deliver("alice@virt.test")
    reference.maildir("alice").wait()
    assert reference.maildir("alice").ids() == [message_id]
    [delivery] = mta.log.deliveries("alice@virt.test") or [mta.log.wait("to=<alice@virt.test>") and mta.log.deliveries()[0]]
    assert delivery["dsn"] == "2.0.0" and delivery["reason"].startswith("250 2.0.0 Ok: queued as ")


def test_dovecot_lmtp_over_tcp(mta, dovecot):
    mta.start(virtual_transport=f"lmtp:inet:127.0.0.1:{dovecot.port}")
    _, message_id = mta.deliver(["alice@virt.test", "bob@virt.test"])
    for user in ("alice@virt.test", "bob@virt.test"):
        [message] = dovecot.maildir(user).wait_parsed()
        assert message["Message-Id"] == f"<{message_id}>"
    mta.wait_empty()
    [delivery] = mta.log.deliveries("alice@virt.test")
    assert delivery["process"] == "lmtp" and delivery["dsn"] == "2.0.0"
    assert delivery["relay"] == f"127.0.0.1[127.0.0.1]:{dovecot.port}"


def test_dovecot_lmtp_over_a_unix_socket(mta, dovecot):
    mta.start(virtual_transport=f"lmtp:unix:{dovecot.unix}")
    _, message_id = mta.deliver("alice@virt.test")
    [message] = dovecot.maildir("alice@virt.test").wait_parsed()
    assert message["Message-Id"] == f"<{message_id}>"
    mta.wait_empty()
    [delivery] = mta.log.deliveries("alice@virt.test")
    assert delivery["relay"] == f"{mta.hostname}[{dovecot.unix}]"


def test_dovecot_refuses_an_unknown_user(mta, dovecot):
    mta.start(virtual_transport=f"lmtp:unix:{dovecot.unix}", virtual_mailbox_maps="static:all", notify_classes="")
    mta.deliver("nobody@virt.test", sender="alice@virt.test")
    mta.log.wait(r"to=<nobody@virt.test>.* status=bounced \(host .* said: 550 5\.1\.1 ")
    [report] = dovecot.maildir("alice@virt.test").wait_parsed()
    assert report.get_content_type() == "multipart/report"


def test_lmtp_results_are_per_recipient(mta, lmtp_sink):
    lmtp_sink.on("MESSAGE", "452 4.2.2 Mailbox full", match="bob@")
    mta.start(virtual_transport=f"lmtp:inet:127.0.0.1:{lmtp_sink.port}")
    queue_id, _ = mta.deliver(["alice@virt.test", "bob@virt.test"])
    mta.log.wait(rf"^{queue_id}: to=<alice@virt\.test>.* status=sent ")
    mta.log.wait(rf"^{queue_id}: to=<bob@virt\.test>.* status=deferred \(host .* said: 452 4\.2\.2 Mailbox full ")
    mta.wait_queue("deferred", 1)
