"""Local submission: sendmail, postdrop, pickup."""
import os
import re

import pytest

from harness.instance import IS_ROOT, Instance
from harness.maildir import Maildir
from harness.ports import free_port
from harness.sink import Sink
from harness.waiting import wait_for


@pytest.fixture(scope="module")
def stopped(suite, tmp_path_factory):
    """An instance that is down, with its queue directories."""
    folder = tmp_path_factory.mktemp("stopped")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    mta = Instance(suite, folder)
    mta.start()
    mta.stop()
    yield mta
    mta.check()


def test_recipients_as_arguments(mta):
    mta.start()
    mta.sendmail("-f", "bob@virt.test", "-F", "Bob B.", "alice@virt.test", message=b"Subject: hi\n\nlocal text\n")
    [message] = mta.maildir("alice").wait_parsed()
    assert message["Return-Path"] == "<bob@virt.test>" and message["Subject"] == "hi"
    assert message["From"] == '"Bob B." <bob@virt.test>' or message["From"] == "Bob B. <bob@virt.test>" \
        or message["From"] == "bob@virt.test (Bob B.)"
    assert message["Message-Id"].endswith(f"@{mta.hostname}>") and message["Date"]
    assert message.get_content() == "local text\n"
    mta.log.wait(rf"^[0-9A-F]+: uid={os.getuid()} from=<bob@virt\.test>$", process="pickup")


def test_recipients_from_headers(mta, sink):
    mta.start(relayhost=sink.nexthop)
    mta.sendmail("-t", "-oi", "-f", "bob@virt.test", message=b"To: one@elsewhere.test, Two <two@elsewhere.test>\n"
                 b"Cc: three@elsewhere.test\nBcc: four@elsewhere.test\nSubject: t\n\n.\nafter the dot\n")
    [taken] = sink.wait()
    assert sorted(taken.recipients) == [f"{name}@elsewhere.test" for name in ("four", "one", "three", "two")]
    assert b"four@" not in taken.data and b"\r\n.\r\nafter the dot\r\n" in taken.data


def test_a_lone_dot_ends_the_message(mta):
    mta.start()
    mta.sendmail("alice@virt.test", message=b"Subject: dot\n\nkept\n.\nlost\n")
    [message] = mta.maildir("alice").wait_parsed()
    assert message.get_content() == "kept\n"


def test_i_keeps_the_dot(mta):
    mta.start()
    mta.sendmail("-i", "alice@virt.test", message=b"Subject: dot\n\nkept\n.\nkept too\n")
    [message] = mta.maildir("alice").wait_parsed()
    assert message.get_content() == "kept\n.\nkept too\n"


def test_local_names_get_the_domain(mta):
    mta.start(myorigin="virt.test")
    mta.sendmail("-f", "bob", "alice", message=b"From: bob\nTo: alice\nSubject: short\n\nx\n")
    [message] = mta.maildir("alice").wait_parsed()
    assert message["Return-Path"] == "<bob@virt.test>"
    assert message["From"] == "bob@virt.test" and message["To"] == "alice@virt.test"


def test_no_recipient_is_an_error(mta):
    mta.start()
    mta.allowed_trouble.append("[Nn]o recipient")
    result = mta.sendmail("-t", message=b"Subject: x\n\ny\n", check=False)
    assert result.returncode != 0 and "o recipient addresses found in message header" in result.stdout


def test_what_waits_in_maildrop_is_taken_at_start(mta):
    mta.start()
    mta.stop()
    mta.sendmail("alice@virt.test", message=b"Subject: early\n\nx\n")
    assert len(mta.queued("maildrop")) == 1
    mta.start()
    mta.maildir("alice").wait()
    mta.wait_empty()


def test_bs_speaks_smtp_on_standard_input(mta):
    mta.start()
    script = b"EHLO x\r\nMAIL FROM:<bob@virt.test>\r\nRCPT TO:<alice@virt.test>\r\nDATA\r\nSubject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n"
    result = mta.sendmail("-bs", message=script, check=False)
    assert "250 2.0.0 Ok: queued as" in result.stdout
    mta.maildir("alice").wait()


def test_bv_probes_without_delivery(mta):
    mta.start()
    mta.sendmail("-bv", "-f", "bob@virt.test", "alice@virt.test", message=b"")
    [report] = mta.maildir("bob").wait_parsed()
    assert report["Subject"] == "Mail Delivery Status Report"
    assert "delivers to maildir" in report.get_payload(0).get_content()
    assert not mta.maildir("alice").files()
    mta.log.wait(r"to=<alice@virt\.test>.*status=deliverable \(delivers to maildir\)$")


def test_dsn_options(mta, sink):
    mta.start(relayhost=sink.nexthop)
    mta.sendmail("-N", "failure,delay", "-V", "my+id", "-R", "hdrs", "-r", "bob@virt.test", "one@elsewhere.test",
                 message=b"Subject: x\n\nx\n")
    [taken] = sink.wait()
    assert taken.sender == "bob@virt.test"
    assert "ENVID=my+2Bid" in taken.mail_line and "RET=HDRS" in taken.mail_line
    assert "NOTIFY=FAILURE,DELAY" in taken.rcpt_lines[0]


def test_verp_puts_each_recipient_into_its_sender(mta, sink):
    mta.start(relayhost=sink.nexthop, virtual_alias_maps="inline:{list@virt.test=three@elsewhere.test}")
    mta.sendmail("-XV+=", "-f", "owner@virt.test", "one@elsewhere.test", '"a b"@elsewhere.test', "list@virt.test", "alone",
                 "alice@virt.test", message=b"Subject: x\n\nx\n")
    senders = {tuple(taken.recipients): taken.sender for taken in sink.wait(4)}
    assert senders == {("one@elsewhere.test",): "owner+one=elsewhere.test@virt.test",
                       ('"a b"@elsewhere.test',): '"owner+a b=elsewhere.test"@virt.test',
                       ("three@elsewhere.test",): "owner+list=virt.test@virt.test",
                       ("alone@example.test",): "owner+alone@virt.test"}
    [message] = mta.maildir("alice").wait_parsed()
    assert message["Return-Path"] == "<owner+alice=virt.test@virt.test>"
    mta.wait_empty()


def test_verp_needs_a_sender(mta):
    mta.start()
    mta.allowed_trouble.append("non-null sender")
    result = mta.sendmail("-XV+=", "-f", "", "alice@virt.test", message=b"Subject: x\n\nx\n", check=False)
    assert result.returncode == 75 and "-V option requires non-null sender address" in result.stdout
    mta.wait_empty()
    assert not mta.queued("maildrop")


def test_verp_names_the_recipient_in_the_notice(mta, sink):
    sink.on("RCPT", "550 5.1.1 no such user")
    mta.start(relayhost=sink.nexthop, recipient_delimiter="+")
    mta.sendmail("-XV-=", "-f", "alice@virt.test", "one@elsewhere.test", "two@elsewhere.test", message=b"Subject: x\n\nx\n")
    mta.log.wait(r"to=<alice-one=elsewhere\.test@virt\.test>.* status=bounced")
    mta.log.wait(r"to=<alice-two=elsewhere\.test@virt\.test>.* status=bounced")
    mta.wait_empty()


@pytest.mark.parametrize("body", ["7BIT", "8BITMIME"])
def test_body_type(mta, sink, body):
    mta.start(relayhost=sink.nexthop)
    mta.sendmail("-B", body, "one@elsewhere.test", message=b"Subject: x\n\nx\n")
    assert f"BODY={body}" in sink.wait()[0].mail_line


def test_bi_builds_the_alias_database(mta):
    mta.start(alias_database=f"lmdb:{mta.config}/aliases")
    (mta.config / "aliases").write_text("team: alice@virt.test, bob@virt.test\n")
    mta.sendmail("-bi", message=b"")
    assert mta.run("postmap", "-q", "team", f"lmdb:{mta.config}/aliases").stdout.strip() == "alice@virt.test, bob@virt.test"


@pytest.mark.posthouse_only("a postalias of our own in place of the program")
@pytest.mark.parametrize("arguments", [["sendmail", "-bi"], ["newaliases"]], ids=" ".join)
def test_the_default_alias_database(mta, arguments):
    commands = mta.folder / "commands"
    commands.mkdir()
    program = commands / "postalias"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    mta.configure(alias_database=None, command_directory=commands)
    name, *options = arguments
    assert mta.run(mta.main.get(f"{name}_path", name), *options).stdout == "-- hash:/etc/aliases\n"


def test_newaliases_and_another_alias_file(mta):
    mta.start(alias_database=f"lmdb:{mta.config}/aliases")
    for name, line in (("aliases", "team: alice\n"), ("others", "crew: bob\n")):
        (mta.config / name).write_text(line)
    mta.run(mta.main.get("newaliases_path", "newaliases"))
    assert mta.run("postmap", "-q", "team", f"lmdb:{mta.config}/aliases").stdout == "alice\n"
    mta.sendmail("-bi", f"-oAlmdb:{mta.config}/others", message=b"")
    assert mta.run("postmap", "-q", "crew", f"lmdb:{mta.config}/others").stdout == "bob\n"


def test_v_reports_a_delivery(mta):
    mta.start()
    result = mta.sendmail("-v", "-f", "bob@virt.test", "alice@virt.test", message=b"Subject: x\n\nx\n")
    assert result.stdout == "Mail Delivery Status Report will be mailed to <bob@virt.test>.\n"
    [report] = mta.maildir("bob").wait_parsed()
    assert report["Subject"] == "Mail Delivery Status Report"
    mta.maildir("alice").wait()


@pytest.mark.parametrize("options, attributes", [
    (["-G"], ["rewrite_context=remote"]), (["-R", "full"], ["ret_flags=1"]), (["-R", "HDRS"], ["ret_flags=2"]), (["-R", "some"], []),
    (["-N", "never"], ["notify_flags=1"]), (["-N", "success"], ["notify_flags=2"]), (["-N", "failure,delay"], ["notify_flags=12"]),
    (["-N", "never,delay"], []), (["-N", "sometimes"], []), (["-B", "8BITMIME"], ["encoding=8bit"])], ids=lambda value: " ".join(value))
def test_what_options_leave_in_the_file(stopped, options, attributes):
    result = stopped.sendmail(*options, "-f", "bob@virt.test", "alice@virt.test", message=b"Subject: x\n\nx\n")
    [queue_id] = stopped.queued("maildrop")
    path = stopped.queue_file(queue_id)
    lines = stopped.run("postcat", "-e", path).stdout.splitlines()
    path.unlink()
    found = [line.partition(": ")[2] for line in lines if re.match("named_attribute: (ret|notify|encoding|rewrite)", line)]
    assert sorted(found) == sorted([*([] if "-G" in options else ["rewrite_context=local"]), *attributes])
    assert ("option value -- ignored" in result.stdout) == (not attributes)


@pytest.mark.parametrize("option, settings, delimiters", [
    ("-V", {}, "+="), ("-XV", {}, "+="), ("-XV", {"default_verp_delimiters": "=-"}, "=-"), ("-XV-+", {}, "-+"),
    ("-XV#=", {"verp_delimiter_filter": "#="}, "#=")])
def test_verp_delimiters_in_the_file(stopped, option, settings, delimiters):
    stopped.configure(**settings)
    stopped.sendmail(option, "-f", "bob@virt.test", "alice@virt.test", message=b"Subject: x\n\nx\n")
    stopped.configure(**dict.fromkeys(settings))
    [queue_id] = stopped.queued("maildrop")
    path = stopped.queue_file(queue_id)
    content = path.read_bytes()
    path.unlink()
    assert b"V\x02" + delimiters.encode() in content


def test_verp_delimiters_outside_the_filter(stopped):
    stopped.configure(verp_delimiter_filter="#=")
    refused = stopped.sendmail("-XV+=", "alice@virt.test", message=b"x\n", check=False)
    stopped.configure(verp_delimiter_filter=None)
    assert refused.returncode == 75 and "fatal: -V requires two characters from #=" in refused.stdout
    assert not stopped.queued("maildrop")


@pytest.mark.parametrize("option", ["-q", "-qI", "-qR"])
def test_q_tries_deferred_mail(mta, option):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h",
              fast_flush_domains="elsewhere.test")
    queue_id, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    with Sink(port=port) as sink:
        mta.sendmail("-qI0123456789A", message=b"")        # of no message: nothing to do
        mta.sendmail({"-q": "-q", "-qI": f"-qI{queue_id}", "-qR": "-qRelsewhere.test"}[option], message=b"")
        assert sink.wait_for_message(message_id)


def test_ignored_options(mta):
    mta.start()
    mta.sendmail("-om", "-oem", "-odb", "-Am", "-L", "tag", "-bm", "-G", "-h", "3", "-m", "-U", "alice@virt.test",
                 message=b"Subject: x\n\nx\n")
    mta.maildir("alice").wait()


def test_mbox_delivery(mta):
    mta.start(virtual_mailbox_maps="inline:{alice@virt.test=alice.mbox}")
    mta.deliver("alice@virt.test", body="From the start\nend")
    mta.log.wait(r"status=sent \(delivered to mailbox\)")
    text = (mta.mail / "alice.mbox").read_text()
    assert text.startswith("From sender@client.test  ") and "\n>From the start\n" in text and text.endswith("\n\n")


def test_two_agents_do_not_mix_one_mbox(mta):
    mta.start(virtual_mailbox_maps="inline:{alice@virt.test=alice.mbox}")
    peers = [mta.peer() for _ in range(5)]
    for _ in range(6):
        for peer in peers:
            peer.deliver("alice@virt.test", size=3000)
    for peer in peers:
        peer.quit()
    mta.wait_empty()
    import mailbox
    assert len(mailbox.mbox(mta.mail / "alice.mbox")) == 30


@pytest.mark.skipif(not IS_ROOT, reason="delivers as a system user")
def test_local_delivery_with_an_alias(mta, folder):
    home = folder / "spool"
    home.mkdir()
    home.chmod(0o1777)
    import grp
    try:
        os.chown(home, 0, grp.getgrnam("mail").gr_gid)
        home.chmod(0o3777)
    except KeyError:
        pass
    mta.start(mydestination="$myhostname, local.test", mail_spool_directory=f"{home}/", local_recipient_maps="",
              alias_maps=mta.table("aliases", "team games@local.test, alice@virt.test\n"))
    mta.deliver("team@local.test")
    mta.maildir("alice").wait()
    box = Maildir(home / "games")
    box.wait()
    assert box.files()[0].stat().st_uid == __import__("pwd").getpwnam("games").pw_uid


def test_a_mailbox_over_its_limit_bounces(mta):
    mta.start(virtual_mailbox_limit="20000", message_size_limit="15000",
              virtual_mailbox_maps="inline:{{alice@virt.test=alice.mbox},{sender@virt.test=sender/}}")
    for _ in range(2):
        mta.deliver("alice@virt.test", size=9000, sender="sender@virt.test")
    mta.deliver("alice@virt.test", size=9000, sender="sender@virt.test")
    mta.log.wait(r"to=<alice@virt\.test>.*status=bounced ")
    mta.maildir("sender").wait()
    wait_for(lambda: (mta.mail / "alice.mbox").stat().st_size <= 20000, "the mailbox keeps its limit")
