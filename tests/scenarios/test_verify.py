"""Recipients are verified at the next hop before a message is accepted."""
import contextlib
import resource
import shutil
import threading
import time
from pathlib import Path

import pytest

from harness import processes
from harness.waiting import wait_for


def unread(port):
    """How many sessions of a local port have bytes that the server has not read yet."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" and not row[4].endswith(":00000000") for row in rows)


def cache(mta):
    """The cache as postmap sees it once the service has let go of it."""
    return mta.rows(f"btree:{mta.data}/verify_cache")


def test_a_good_recipient_is_probed_once_and_remembered(verifying, sink):
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    assert mta.ask("good@relay.test").code == 250
    assert sink.asked_for("good@relay.test") == 1
    assert not sink.messages, "a probe stops before DATA"
    mta.log.wait(r"to=<good@relay\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, .*status=deliverable \(250 2\.1\.5 Ok\)$")
    wait_for(lambda: not mta.queued(), lambda: "the probe leaves the queue")


def test_an_unknown_recipient_is_refused_with_the_next_hops_words(verifying, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    mta = verifying.start()
    reply = mta.ask("bad@relay.test")
    assert reply.code == 450
    assert reply.text == ("450 4.1.1 <bad@relay.test>: Recipient address rejected: unverified address: host 127.0.0.1[127.0.0.1] said: "
                          "550 5.1.1 no such user (in reply to RCPT TO command)")
    mta.log.wait(r"to=<bad@relay\.test>, .*dsn=5\.1\.1, status=undeliverable \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 550 5\.1\.1 no such user")
    mta.log.wait(r"^NOQUEUE: reject: RCPT from \S+: 450 4\.1\.1 <bad@relay\.test>: Recipient address rejected: unverified address: ")
    assert not mta.queued()


def test_the_configured_code_is_used(verifying, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    mta = verifying.start(unverified_recipient_reject_code="550", unverified_recipient_reject_reason="Address lookup failed")
    assert mta.ask("bad@relay.test").text == \
        "550 5.1.1 <bad@relay.test>: Recipient address rejected: undeliverable address: Address lookup failed"


def test_a_next_hop_that_is_down_is_a_temporary_answer(verifying, sink):
    mta = verifying.start(transport_maps="inline:{relay.test=smtp:[127.0.0.1]:1}")
    reply = mta.ask("any@relay.test")
    assert reply.code == 450 and "unverified address: connect to 127.0.0.1[127.0.0.1]:1: Connection refused" in reply.text


def test_a_thousand_questions_make_one_probe(verifying, sink):
    crowd = 1000 if verifying.suite.is_posthouse else 40       # the reference has a process for each session
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asked = threading.Event()
    sink.on("RCPT", lambda session, argument: asked.wait() and "250 2.1.5 Ok", match="crowd@")
    mta = verifying.start(address_verify_poll_count="300", smtpd_timeout="300s")
    with contextlib.ExitStack() as closing:
        peers = [closing.enter_context(mta.peer(timeout=120)) for _ in range(crowd)]
        for peer in peers:
            peer.command("MAIL FROM:<sender@client.test>", 250)
        for peer in peers:
            peer.send("RCPT TO:<crowd@relay.test>\r\n")
        sink.wait_until(lambda: sink.asked_for("crowd@relay.test"), "a probe at the next hop")
        wait_for(lambda: not unread(mta.port), lambda: f"smtpd reads all questions; {unread(mta.port)} are left")
        asked.set()
        assert [peer.reply().code for peer in peers] == [250] * crowd
        assert len(mta.log.grep(r"^connect from localhost")) >= crowd
    assert sink.asked_for("crowd@relay.test") == 1
    assert len(mta.log.grep(r": to=<crowd@relay\.test>, .*status=deliverable ", process="smtp")) == 1
    assert len(mta.log.grep(r": from=<double-bounce@example\.test>, ", process="qmgr")) == 1


def test_what_is_known_survives_a_restart(verifying, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    assert mta.ask("bad@relay.test").code == 450
    mta.stop()
    known = cache(mta)
    assert known["good@relay.test"].split(":")[:2] == ["0", "0"] and known["good@relay.test"].endswith(":250 2.1.5 Ok")
    assert known["bad@relay.test"].startswith("2:0:")
    mta.start()
    assert mta.ask("good@relay.test").code == 250
    assert sink.asked_for("good@relay.test") == 1


def test_an_edited_cache_is_believed(verifying, sink):
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    mta.stop()
    assert mta.run("postmap", "-d", "good@relay.test", f"btree:{mta.data}/verify_cache").returncode == 0
    sink.on("RCPT", "550 5.1.1 gone", match="good@")
    mta.start()
    assert mta.ask("good@relay.test").code == 450


def test_a_mapped_address_has_an_answer_too(verifying, sink):
    mta = verifying.start()
    assert mta.ask("asked@relay.test").code == 250
    assert sink.asked_for("final@relay.test") == 1


@pytest.mark.posthouse_only("the reference starts a new process")
def test_a_reload_keeps_the_service_and_its_cache(verifying, sink):
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    before = mta.pids("verify")
    mta.reload()
    assert mta.ask("good@relay.test").code == 250
    assert mta.ask("other@relay.test").code == 250
    assert mta.pids("verify") == before
    assert sink.asked_for("good@relay.test") == 1


def test_the_cache_is_cleaned(verifying, sink):
    mta = verifying.configure(address_verify_cache_cleanup_interval="2s", address_verify_positive_expire_time="1s",
                              address_verify_negative_expire_time="1s") or verifying
    mta.start()
    assert mta.ask("good@relay.test").code == 250
    mta.log.wait(r"^cache btree:\S+/verify_cache full cleanup: retained=0 dropped=1 entries$", process="verify", timeout=20)
    mta.stop()
    assert "good@relay.test" not in cache(mta)


def test_the_sender_of_probes(verifying, sink):
    mta = verifying.start(address_verify_sender="prober", address_verify_sender_ttl="3600s")
    assert mta.ask("good@relay.test").code == 250
    lines = [line for _, line in sink.commands if line.startswith("MAIL FROM:<prober")]
    slot = int(time.time()) // 3600
    digits = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
    text = ""
    while slot:
        slot, digit = divmod(slot, 31)
        text = digits[digit] + text
    assert lines and lines[0].startswith(f"MAIL FROM:<prober{text}@example.test>")


def test_lmdb_as_the_cache(verifying, sink):
    mta = verifying.start(address_verify_map=f"lmdb:{verifying.data}/verify_cache")
    assert mta.ask("good@relay.test").code == 250
    mta.stop()
    assert "good@relay.test\t0:0:" in mta.run("postmap", "-s", f"lmdb:{mta.data}/verify_cache").stdout


@pytest.mark.parametrize("kind", ("btree", "lmdb", pytest.param("debug:btree", marks=pytest.mark.posthouse_only("ours"))))
def test_a_cache_where_the_mail_owner_may_not_write_goes_to_the_data_directory(kind, verifying, sink):
    """/usr is root's, whoever runs the test."""
    mta = verifying.start(address_verify_map=f"{kind}:/usr/asked_cache")
    assert mta.ask("good@relay.test").code == 250
    file_kind = kind.removeprefix("debug:")
    mta.log.wait(rf"^warning: request to update table {file_kind}:/usr/asked_cache in non-postfix directory /usr$", process="verify")
    mta.log.wait(rf"^warning: redirecting the request to postfix-owned data_directory {mta.data}$", process="verify")
    mta.stop()
    assert mta.rows(f"{file_kind}:{mta.data}/asked_cache")["good@relay.test"].startswith("0:0:")


def test_a_cache_in_a_directory_of_the_mail_owner_stays_there(verifying, sink):
    mta = verifying
    own = mta.folder / "own"
    own.mkdir()
    shutil.chown(own, mta.main["mail_owner"])
    mta.start(address_verify_map=f"btree:{own}/cache")
    assert mta.ask("good@relay.test").code == 250
    mta.stop()
    assert mta.rows(f"btree:{own}/cache")["good@relay.test"].startswith("0:0:")
    assert not mta.log.has("redirecting")


@pytest.mark.posthouse_only("the reference waits until the service is there")
def test_without_the_verify_service_nobody_is_believed_or_refused_for_good(verifying, sink):
    mta = verifying
    mta.services = [entry for entry in mta.services if entry[0] != "verify"]
    mta.write()
    mta.start()
    assert mta.ask("good@relay.test").text == \
        "450 4.1.1 <good@relay.test>: Recipient address rejected: unverified address: Address verification status unavailable"
    assert not sink.commands


def test_a_verify_service_that_dies_over_a_probe_has_a_successor(verifying, sink):
    mta = verifying
    mta.allowed_trouble += [r"verify pid \d+ killed by signal 9", r"verify: bad command startup"]
    held = threading.Event()
    sink.on("RCPT", lambda session, argument: held.wait() and "250 2.1.5 Ok", match="held@")
    mta.start(address_verify_poll_count="100", address_verify_poll_delay="1s")
    with mta.peer(timeout=120) as peer:
        peer.command("MAIL FROM:<sender@client.test>", 250)
        peer.send("RCPT TO:<held@relay.test>\r\n")
        sink.wait_until(lambda: sink.asked_for("held@relay.test"), "a probe at the next hop")
        pid, = mta.pids("verify")
        processes.kill(pid)
        mta.log.wait(r"killed by signal 9", process="master")
        held.set()
        assert peer.reply().code == 250
    mta.wait_empty()
    mta.log.wait(r": to=<held@relay\.test>, .*status=deliverable ", process="smtp")
    assert mta.pids("verify") != [pid]
